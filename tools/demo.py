# SPDX-License-Identifier: GPL-2.0-or-later
"""What tools/demo shows, once everything is built: two namespaces, a default-drop firewall, SPA and a knock."""
import os
import pathlib
import re
import shlex
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "t" / "lib"))
from harness import Skip, program
from lab import Lab

SSH_PORT, DOOR_PORT = 22, 7071
OPEN_S = 4  # for how long each of the two opens the port

FWKNOPD_CONF = """\
PCAP_INTF                   {interface};
ENABLE_SPA_PACKET_AGING     Y;
"""
ACCESS_CONF = """\
# the stanzas of this gateway
%include {folder}/laptop.conf
"""
STANZA = """\
SOURCE                  ANY
KEY_BASE64              {key}
HMAC_KEY_BASE64         {hmac_key}
OPEN_PORTS              tcp/22
REQUIRE_SOURCE_ADDRESS  Y
FW_ACCESS_TIMEOUT       {seconds}
"""
KNOCKD_CONF = """\
[options]
    UseSyslog
    Interface = {interface}

[openService]
    sequence      = 7000,8000:udp,9000
    seq_timeout   = 10
    tcpflags      = syn
    command       = iptables -I INPUT -s %IP% -p tcp --dport {port} -j ACCEPT
    cmd_timeout   = {seconds}
    stop_command  = iptables -D INPUT -s %IP% -p tcp --dport {port} -j ACCEPT
"""


class DemoFailed(Exception):
    pass


def title(text):
    print(f"\n== {text}", flush=True)


def explain(text):
    print(f"   {text}", flush=True)


def saw(text):
    print(f"   -> {text}", flush=True)


def show_file(path, text):
    print(f"   file {path.name}:")
    print("".join(f"      | {line}\n" for line in hide_keys(text).splitlines()), end="", flush=True)


def show_log(name, lines):
    print(f"   {name}:")
    print("".join(f"      | {line}\n" for line in lines), end="", flush=True)


def hide_keys(text):
    """The keys are of no use after the demo, but nobody should get used to seeing keys on a screen."""
    return re.sub(r"((?:HMAC_)?KEY_BASE64\W+\S{6})\S+", r"\1...", text)


def run(host, *argv, home):
    """Runs a command in a namespace and shows it."""
    argv = [str(a) for a in argv]
    print(f"   {host.name} $ {shlex.join([os.path.basename(argv[0]), *argv[1:]])}", flush=True)
    done = host.run(*argv, check=False, env={**os.environ, "HOME": str(home)})
    output = hide_keys(done.stdout + done.stderr)
    print("".join(f"      | {line}\n" for line in output.splitlines() if line.strip()), end="", flush=True)
    if done.returncode != 0:
        raise DemoFailed(f"{argv[0]} ended with status {done.returncode}")
    return done.stdout


def start(host, *argv):
    argv = [str(a) for a in argv]
    print(f"   {host.name} # {shlex.join([os.path.basename(argv[0]), *argv[1:]])} &", flush=True)
    return host.spawn(*argv)


def expect(lab, port, wanted, moment):
    """The client's connection must come out as wanted, within the time limit."""
    try:
        lab.client.wait_for_port(lab.gateway.address, port, wanted)
    except AssertionError:
        raise DemoFailed(f"{moment}: tcp/{port} should be {wanted}, "
                         f"but is {lab.client.probe(lab.gateway.address, port)}") from None
    words = {"open": "accepted", "filtered": "not let through"}
    saw(f"{moment}: the client's connection to tcp/{port} is {words[wanted]}")


def show_rule(lab, pattern, present=True):
    lab.gateway.wait_for_rule(pattern, present)
    found = [rule for rule in lab.gateway.rules() if re.search(pattern, rule)]
    saw("the gateway's rule: " + "; ".join(found) if present else "the gateway's rule is gone")


def set_up(lab):
    print("This shows a port that is closed to everybody open for one address, and close again by itself: first by one\n"
          "encrypted packet (fwknop, fwknopd), then by a knock at three ports (knock, knockd).\n"
          "Lines with $ or # are commands, those with -> are what was seen, those with | are files and output.", flush=True)
    title("Two hosts, joined by a cable: client (10.9.0.2) and gateway (10.9.0.1)")
    for port in (SSH_PORT, DOOR_PORT):
        lab.gateway.listen(port)
    expect(lab, SSH_PORT, "open", "without a firewall")
    lab.gateway.iptables("-P", "INPUT", "DROP")
    saw("the gateway now drops everything that nobody has asked for: iptables -P INPUT DROP")


def single_packet_authorization(lab):
    title("Single Packet Authorization")
    explain("The client makes two keys, one to encrypt and one to authenticate, and saves how to reach the gateway:")
    rc = lab.dir / ".fwknoprc"
    run(lab.client, program("fwknop"), "-A", "tcp/22", "-a", lab.client.address, "-D", lab.gateway.address, "--key-gen",
        "--use-hmac", "--save-rc-stanza", "-n", "gateway", home=lab.dir)
    keys = {name: re.search(rf"^{name}\s+(\S+)", rc.read_text(), re.MULTILINE)[1] for name in ("KEY_BASE64", "HMAC_KEY_BASE64")}
    show_file(rc, rc.read_text().split("[gateway]", 1)[-1].strip())
    explain("The gateway gets the same keys, in a file of this client's own, and waits for a packet:")
    conf = lab.write("fwknopd.conf", FWKNOPD_CONF.format(interface=lab.gateway.interface))
    stanza = lab.write("access.d/laptop.conf",
                       STANZA.format(key=keys["KEY_BASE64"], hmac_key=keys["HMAC_KEY_BASE64"], seconds=OPEN_S))
    access = lab.write("access.conf", ACCESS_CONF.format(folder=stanza.parent))
    for path in (conf, access, stanza):
        show_file(path, path.read_text())
    daemon = start(lab.gateway, program("fwknopd"), "-f", "-c", conf, "-a", access)
    daemon.wait_for_line("Starting fwknopd main event loop|PCAP filter is")
    expect(lab, SSH_PORT, "filtered", "before the packet")
    explain("One packet, which nobody answers, and which opens the port to this client only:")
    run(lab.client, program("fwknop"), "-n", "gateway", home=lab.dir)
    show_rule(lab, r"-s 10\.9\.0\.2/32 .*--dport 22 .*-j ACCEPT")
    expect(lab, SSH_PORT, "open", "after the packet")
    expect(lab, DOOR_PORT, "filtered", "nothing else is open")
    show_rule(lab, r"--dport 22 ", present=False)
    expect(lab, SSH_PORT, "filtered", f"{OPEN_S} seconds later")
    status = daemon.stop()
    show_log("what fwknopd said", [line for line in daemon.lines() if re.search("stanza|rule (to|[0-9]+ from)", line)])
    if status != 0:
        raise DemoFailed(f"fwknopd ended with status {status}")


def port_knocking(lab):
    title("Port knocking")
    explain("The gateway watches for hits at three closed ports, in this order:")
    log = lab.syslog()
    conf = lab.write("knockd.conf", KNOCKD_CONF.format(interface=lab.gateway.interface, port=DOOR_PORT, seconds=OPEN_S))
    show_file(conf, conf.read_text())
    daemon = start(lab.gateway, program("knockd"), "-c", conf)
    log.wait_for_line("starting up, listening on")
    expect(lab, DOOR_PORT, "filtered", "before the knock")
    explain("The client hits them; nothing comes back:")
    run(lab.client, program("knock"), "-v", lab.gateway.address, "7000:tcp", "8000:udp", "9000:tcp", home=lab.dir)
    show_rule(lab, rf"-s 10\.9\.0\.2/32 .*--dport {DOOR_PORT} .*-j ACCEPT")
    expect(lab, DOOR_PORT, "open", "after the knock")
    expect(lab, SSH_PORT, "filtered", "nothing else is open")
    show_rule(lab, rf"--dport {DOOR_PORT} ", present=False)
    expect(lab, DOOR_PORT, "filtered", f"{OPEN_S} seconds later")
    show_log("syslog of the gateway", log.lines())
    daemon.stop()


def demo():
    """The exit status; what went wrong is said in one line, after what the programs themselves said."""
    try:
        with Lab() as lab:
            try:
                for name in ("fwknop", "fwknopd", "knock", "knockd"):
                    if not os.access(program(name), os.X_OK):
                        raise DemoFailed(f"{program(name)}: no such program")
                set_up(lab)
                single_packet_authorization(lab)
                port_knocking(lab)
            except (AssertionError, DemoFailed, OSError):
                lab.print_outputs()
                raise
    except (AssertionError, DemoFailed, OSError, Skip) as problem:
        print(f"\ntools/demo: FAILED: {problem}", file=sys.stderr)
        return 1
    print("\nBoth ports opened for one address and closed again. Nothing is left of the namespaces.\n"
          "README.md tells how to install; doc/MIGRATION.md, how to replace knockd and fwknop on a server.")
    return 0


if __name__ == "__main__":
    sys.exit(demo())
