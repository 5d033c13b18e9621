// SPDX-License-Identifier: GPL-2.0-or-later
// knockd.conf: the parser cases of spec/knockd.md 10.1 and section 3, warnings and disabled doors.
#include "knockd/configuration.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <string>

#include "knockd/sequence.h"
#include "t/lib/scratch_folder.h"

namespace latchkey::knockd {
namespace {

struct Case {
  std::string_view name;
  std::string_view file;
  std::string_view debug_lines;  ///< without "config: "
  std::string_view error;
  std::string_view disabled;  ///< line about a disabled door
  std::vector<unsigned> warned_lines;
};

const auto cases = std::to_array<Case>({
    {"P001", "", "", "", "", {}},
    {"P002", "# x\n\n   \n", "", "", "", {}},
    {"P003", "[options]\nUseSyslog\n", "new section: 'options'\nusesyslog", "", "", {}},
    {"P004", "[d]\nsequence = 1,2", "new section: 'd'\nd: sequence: 1:tcp,2:tcp", "", "", {}},
    {"P005",
     "[d]\015\nsequence = 1,2\015\ncommand = echo hi\015\n",
     "new section: 'd'\nd: sequence: 1:tcp,2:tcp\nd: start_command: echo hi",
     "",
     "",
     {}},
    {"P006", "\011 [d] \011\nsequence=1\n", "new section: 'd'\nd: sequence: 1:tcp", "", "", {}},
    {"P007", "[ d ]\nsequence=1\n", "new section: ' d '\n d : sequence: 1:tcp", "", "", {}},
    {"P008", "[Options]\nLogFile=/x\n", "new section: 'Options'", "config: line 2: syntax error", "", {}},
    {"P009", "[OPTIONS]\n", "new section: 'OPTIONS'", "error: section 'OPTIONS' has an empty knock sequence", "", {}},
    {"P010", "[]\n", "new section: ''", "config: line 1: bad section name", "", {}},
    {"P011", "[abc\nsequence=1\n", "", "config: line 1: all directives must belong to a section", "", {}},
    {"P012", "[abc] # c\n", "", "config: line 1: all directives must belong to a section", "", {}},
    {"P013", "[a]b]\nsequence=1\n", "new section: 'a]b'\na]b: sequence: 1:tcp", "", "", {}},
    {"P014", "; c\n", "", "config: line 1: all directives must belong to a section", "", {}},
    {"P015",
     "[d]\nsequence=1\n; c = 1\n",
     "new section: 'd'\nd: sequence: 1:tcp",
     "config: line 3: syntax error",
     "",
     {}},
    {"P016", "[d]\nsequence=1\n   # c\n", "new section: 'd'\nd: sequence: 1:tcp", "", "", {}},
    {"P017",
     "[d]\nsequence=1,2 # c\nseq_timeout = 5 # c\ncommand = echo # c\n",
     "new section: 'd'\nd: sequence: 1:tcp,2:tcp\nd: seq_timeout: 5\nd: start_command: echo # c",
     "",
     "",
     {2, 3}},
    {"P018", "sequence=1\n", "", "config: line 1: all directives must belong to a section", "", {}},
    {"P019", "[d]\nsequence=1\nUseSyslog\n", "new section: 'd'\nd: sequence: 1:tcp\nusesyslog", "", "", {}},
    {"P020",
     "[options]\nusesyslog\n[d]\nsequence=1\n",
     "new section: 'options'\nusesyslog\nnew section: 'd'\nd: sequence: 1:tcp",
     "",
     "",
     {}},
    {"P021", "[options]\nUseSyslog = 1\n", "new section: 'options'", "config: line 2: syntax error", "", {}},
    {"P022", "[options]\nUseSyslog yes\n", "new section: 'options'", "config: line 2: syntax error", "", {}},
    {"P023", "[options]\nFoo\n", "new section: 'options'", "config: line 2: syntax error", "", {}},
    {"P024", "[options]\nFoo = 1\n", "new section: 'options'", "config: line 2: syntax error", "", {}},
    {"P025", "[d]\n=5\n", "new section: 'd'", "config: line 2: syntax error", "", {}},
    {"P026",
     "[d]\nSeQuEnCe = 7\nSTART_COMMAND=foo\n",
     "new section: 'd'\nd: sequence: 7:tcp\nd: start_command: foo",
     "",
     "",
     {}},
    {"P027", "[d]\nseq uence = 7\n", "new section: 'd'", "config: line 2: syntax error", "", {}},
    {"P028",
     "[d]\nsequence=1\ncommand = A=1 B=2 x\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: start_command: A=1 B=2 x",
     "",
     "",
     {}},
    {"P029",
     "[d]\nsequence=1\nlogfile=/x\n",
     "new section: 'd'\nd: sequence: 1:tcp",
     "config: line 3: syntax error",
     "",
     {}},
    {"P030", "[options]\nsequence=1\n", "new section: 'options'", "config: line 2: syntax error", "", {}},
    {"P031",
     "[d]\nsequence=1\n[options]\nlogfile=/x\n[e]\nsequence=2\n",
     "new section: 'd'\nd: sequence: 1:tcp\nnew section: 'options'\nlog file: /x\nnew section: 'e'\ne: sequence: 2:tcp",
     "",
     "",
     {}},
    {"P032",
     "[options]\nlogfile=/x\nlogfile=/y\npidfile=/p\n[d]\nsequence=1\n",
     "new section: 'options'\nlog file: /x\nlog file: /y\npid file: /p\nnew section: 'd'\nd: sequence: 1:tcp",
     "",
     "",
     {}},
    {"P033",
     "[options]\nlogfile=\n[d]\nsequence=1\n",
     "new section: 'options'\nlog file: \nnew section: 'd'\nd: sequence: 1:tcp",
     "",
     "",
     {}},
    {"P036",
     "[options]\ninterface = nosuch1\n[d]\nsequence=1\n",
     "new section: 'options'\nnew section: 'd'\nd: sequence: 1:tcp",
     "",
     "",
     {}},
    {"P038",
     "[d]\nsequence=1\n[d]\nsequence=2\n",
     "new section: 'd'\nd: sequence: 1:tcp\nnew section: 'd'\nd: sequence: 2:tcp",
     "",
     "",
     {3}},
    {"P039",
     "[d]\ncommand=x\n",
     "new section: 'd'\nd: start_command: x",
     "error: section 'd' has an empty knock sequence",
     "",
     {}},
    {"P040",
     "[e]\nsequence=1\n[d]\n",
     "new section: 'e'\ne: sequence: 1:tcp\nnew section: 'd'",
     "error: section 'd' has an empty knock sequence",
     "",
     {}},
    {"P041",
     "[d]\nsequence=1,2\nsequence=3\n",
     "new section: 'd'\nd: sequence: 1:tcp,2:tcp\nd: sequence: 3:tcp",
     "",
     "",
     {}},
    {"P042",
     "[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaa]\nsequence=1\n",
     "new section: "
     "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaa'"
     "\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaa: sequence: 1:tcp",
     "",
     "",
     {1}},
    {"P043",
     "[d]\nsequence = \n",
     "new section: 'd'",
     "",
     "config: line 2: port \"\" is invalid --> disabling the door",
     {}},
    {"P044", "[d]\nsequence = 0\n", "new section: 'd'\nd: sequence: 0:tcp", "", "", {}},
    {"P045", "[d]\nsequence = 65535\n", "new section: 'd'\nd: sequence: 65535:tcp", "", "", {}},
    {"P046", "[d]\nsequence = 65536\n", "new section: 'd'", "config: section d: port 65536 is invalid", "", {}},
    {"P047",
     "[d]\nsequence = -1\n",
     "new section: 'd'",
     "",
     "config: line 2: port \"-1\" is invalid --> disabling the door",
     {}},
    {"P048", "[d]\nsequence = +5\n", "new section: 'd'\nd: sequence: 5:tcp", "", "", {}},
    {"P049", "[d]\nsequence = 0x10\n", "new section: 'd'\nd: sequence: 0:tcp", "", "", {2}},
    {"P050", "[d]\nsequence = 010\n", "new section: 'd'\nd: sequence: 10:tcp", "", "", {}},
    {"P051",
     "[d]\nsequence = abc\n",
     "new section: 'd'",
     "",
     "config: line 2: port \"abc\" is invalid --> disabling the door",
     {}},
    {"P052", "[d]\nsequence = 12ab\n", "new section: 'd'\nd: sequence: 12:tcp", "", "", {2}},
    {"P053",
     "[d]\nsequence = 1,2,\n",
     "new section: 'd'",
     "",
     "config: line 2: port \"\" is invalid --> disabling the door",
     {}},
    {"P054",
     "[d]\nsequence = ,1\n",
     "new section: 'd'",
     "",
     "config: line 2: port \"\" is invalid --> disabling the door",
     {}},
    {"P055",
     "[d]\nsequence = 1,,2\n",
     "new section: 'd'",
     "",
     "config: line 2: port \"\" is invalid --> disabling the door",
     {}},
    {"P056", "[d]\nsequence = 1 , 2,\0113\n", "new section: 'd'\nd: sequence: 1:tcp,2:tcp,3:tcp", "", "", {}},
    {"P057", "[d]\nsequence = 1 2 3\n", "new section: 'd'\nd: sequence: 1:tcp", "", "", {2}},
    {"P058", "[d]\nsequence = 1:udp,2:TCP,3:Udp\n", "new section: 'd'\nd: sequence: 1:udp,2:tcp,3:udp", "", "", {}},
    {"P059", "[d]\nsequence = 1: udp ,2 :tcp\n", "new section: 'd'\nd: sequence: 1:udp,2:tcp", "", "", {}},
    {"P060",
     "[d]\nsequence = 1:\n",
     "new section: 'd'",
     "config: section d: unknown protocol in knock sequence",
     "",
     {}},
    {"P061",
     "[d]\nsequence = 1:icmp\n",
     "new section: 'd'",
     "config: section d: unknown protocol in knock sequence",
     "",
     {}},
    {"P062",
     "[d]\nsequence = :udp\n",
     "new section: 'd'",
     "",
     "config: line 2: port \"\" is invalid --> disabling the door",
     {}},
    {"P063", "[d]\nsequence = 1:udp:junk\n", "new section: 'd'\nd: sequence: 1:udp", "", "", {}},
    {"P064",
     "[d]\nsequence = 4294967301\n",
     "new section: 'd'",
     "",
     "config: line 2: port \"4294967301\" is invalid --> disabling the door",
     {}},
    {"P065",
     "[d]\nsequence = -99999999999999999999\n",
     "new section: 'd'",
     "",
     "config: line 2: port \"-99999999999999999999\" is invalid --> disabling the door",
     {}},
    {"P066", "[d]\nsequence = 80.5\n", "new section: 'd'\nd: sequence: 80:tcp", "", "", {2}},
    {"P067",
     "[d]\nsequence = \"1,2,3\"\n",
     "new section: 'd'",
     "",
     "config: line 2: port \"\"1\" is invalid --> disabling the door",
     {}},
    {"P068", "[d]\nsequence = 1, 70000 ,3\n", "new section: 'd'", "config: section d: port  70000  is invalid", "", {}},
    {"P069", "[d]\nsequence = 1-5\n", "new section: 'd'\nd: sequence: 1:tcp", "", "", {2}},
    {"P070",
     "[d]\nsequence = 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32\n",
     "new section: 'd'\nd: sequence: "
     "1:tcp,2:tcp,3:tcp,4:tcp,5:tcp,6:tcp,7:tcp,8:tcp,9:tcp,10:tcp,11:tcp,12:tcp,13:tcp,14:tcp,15:tcp,16:tcp,17:tcp,18:"
     "tcp,19:tcp,20:tcp,21:tcp,22:tcp,23:tcp,24:tcp,25:tcp,26:tcp,27:tcp,28:tcp,29:tcp,30:tcp,31:tcp,32:tcp",
     "",
     "",
     {}},
    {"P071",
     "[d]\nsequence = 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33\n",
     "new section: 'd'",
     "config: section d: too many ports in knock sequence",
     "",
     {}},
    {"P072",
     "[d]\nsequence = 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,\n",
     "new section: 'd'",
     "config: section d: too many ports in knock sequence",
     "",
     {}},
    {"P073", "[d]\nsequence=1\ntimeout=15\n", "new section: 'd'\nd: sequence: 1:tcp\nd: seq_timeout: 15", "", "", {}},
    {"P074",
     "[d]\nsequence=1\nseq_timeout=-3\n",
     "new section: 'd'\nd: sequence: 1:tcp",
     "",
     "config: line 3: invalid timeout \"-3\" --> disabling the door",
     {}},
    {"P075",
     "[d]\nsequence=1\nseq_timeout=abc\n",
     "new section: 'd'\nd: sequence: 1:tcp",
     "",
     "config: line 3: invalid timeout \"abc\" --> disabling the door",
     {}},
    {"P076",
     "[d]\nsequence=1\nseq_timeout=\n",
     "new section: 'd'\nd: sequence: 1:tcp",
     "",
     "config: line 3: invalid timeout \"\" --> disabling the door",
     {}},
    {"P077",
     "[d]\nsequence=1\nseq_timeout=1.5\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: seq_timeout: 1",
     "",
     "",
     {3}},
    {"P078", "[d]\nsequence=1\ntimeout=10s\n", "new section: 'd'\nd: sequence: 1:tcp\nd: seq_timeout: 10", "", "", {3}},
    {"P079",
     "[d]\nsequence=1\ntimeout=4294967297\n",
     "new section: 'd'\nd: sequence: 1:tcp",
     "",
     "config: line 3: invalid timeout \"4294967297\" --> disabling the door",
     {}},
    {"P080", "[d]\nsequence=1\ntimeout=0x1F\n", "new section: 'd'\nd: sequence: 1:tcp\nd: seq_timeout: 0", "", "", {3}},
    {"P081",
     "[d]\nsequence=1\ntimeout=1\nseq_timeout=9\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: seq_timeout: 1\nd: seq_timeout: 9",
     "",
     "",
     {}},
    {"P082",
     "[d]\nsequence=1\ncmd_timeout = 7 sec\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: cmd_timeout: 7",
     "",
     "",
     {3}},
    {"P083",
     "[d]\nsequence=1\ncmd_timeout=99999999999999999999\n",
     "new section: 'd'\nd: sequence: 1:tcp",
     "",
     "config: line 3: invalid timeout \"99999999999999999999\" --> disabling the door",
     {}},
    {"P084",
     "[d]\nsequence=1\ncommand=\nstop_command=\nstart_command_6=\nstop_command_6=\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: start_command: \nd: stop_command: \nd: start_command_6: \nd: "
     "stop_command_6: ",
     "",
     "",
     {}},
    {"P085",
     "[d]\nsequence=1\ncommand_6 = e\nstop_command_6 = g\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: start_command_6: e\nd: stop_command_6: g",
     "",
     "",
     {}},
    {"P086",
     "[d]\nsequence=1\ncommand = \"echo hi\" 'x' ; ls # z \\\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: start_command: \"echo hi\" 'x' ; ls # z \\",
     "",
     "",
     {}},
    {"P087",
     "[d]\nsequence=1\ntarget = not an ip\n",
     "new section: 'd'\nd: sequence: 1:tcp",
     "",
     "config: line 3: \"not an ip\" is not an IP address --> disabling the door",
     {}},
    {"P088",
     "[d]\nsequence=1\ntarget =\n",
     "new section: 'd'\nd: sequence: 1:tcp",
     "",
     "config: line 3: \"\" is not an IP address --> disabling the door",
     {}},
    {"P089",
     "[d]\nsequence=1\ntcpflags = syn,!ack\n",
     "new section: 'd'\nd: sequence: 1:tcp\ntcp flag: SYN\ntcp flag: !ACK",
     "",
     "",
     {}},
    {"P090",
     "[d]\nsequence=1\ntcpflags = syn, ack\n",
     "new section: 'd'\nd: sequence: 1:tcp\ntcp flag: SYN",
     "config: line 3: unrecognized flag \" ACK\"",
     "",
     {}},
    {"P091",
     "[d]\nsequence=1\ntcpflags = syn|ack\n",
     "new section: 'd'\nd: sequence: 1:tcp",
     "config: line 3: unrecognized flag \"SYN|ACK\"",
     "",
     {}},
    {"P092",
     "[d]\nsequence=1\ntcpflags =\n",
     "new section: 'd'\nd: sequence: 1:tcp",
     "config: line 3: unrecognized flag \"\"",
     "",
     {}},
    {"P093",
     "[d]\nsequence=1\ntcpflags = fin,!fin\n",
     "new section: 'd'\nd: sequence: 1:tcp\ntcp flag: FIN\ntcp flag: !FIN",
     "",
     "",
     {}},
    {"P094",
     "[d]\nsequence=1\ntcpflags = push\n",
     "new section: 'd'\nd: sequence: 1:tcp",
     "config: line 3: unrecognized flag \"PUSH\"",
     "",
     {}},
    {"P095",
     "[d]\nsequence=1\ntcpflags=syn,\n",
     "new section: 'd'\nd: sequence: 1:tcp\ntcp flag: SYN",
     "config: line 3: unrecognized flag \"\"",
     "",
     {}},
    {"P096",
     "[d]\nsequence=1\ntcpflags=syn\ntcpflags=ack\n",
     "new section: 'd'\nd: sequence: 1:tcp\ntcp flag: SYN\ntcp flag: ACK",
     "",
     "",
     {}},
    {"P097", "\357\273\277[d]\nsequence=1\n", "new section: 'd'\nd: sequence: 1:tcp", "", "", {}},
    {"P098", "[d]\015sequence=1\015", "", "config: line 1: all directives must belong to a section", "", {}},
    {"P099",
     std::string_view("[d]\nsequence=1\000,2\nseq_timeout=5\n", 32),
     "new section: 'd'",
     "config: line 2: syntax error",
     "",
     {}},
    {"P100", "[100%d%s]\nsequence=1\n", "new section: '100%d%s'\n100%d%s: sequence: 1:tcp", "", "", {}},
    {"I002", "[OpenSSH]\nsequence=1\n", "new section: 'OpenSSH'\nOpenSSH: sequence: 1:tcp", "", "", {}},
    {"I003",
     "[SSH]\nsequence=1\n[ssh]\nsequence=2\n",
     "new section: 'SSH'\nSSH: sequence: 1:tcp\nnew section: 'ssh'\nssh: sequence: 2:tcp",
     "",
     "",
     {}},
    {"I004", "[Options]\nsequence=1\n", "new section: 'Options'\nOptions: sequence: 1:tcp", "", "", {}},
    {"I005",
     "[d]\nsequence=1\ncommand=a\n[d]\nsequence=2\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: start_command: a\nnew section: 'd'\nd: sequence: 2:tcp",
     "",
     "",
     {4}},
    {"I006a",
     "[d]\nsequence=1\ntcpflags=syn\ntcpflags=!ack,bad\n",
     "new section: 'd'\nd: sequence: 1:tcp\ntcp flag: SYN\ntcp flag: !ACK",
     "config: line 4: unrecognized flag \"BAD\"",
     "",
     {}},
    {"I006b",
     "[d]\nsequence=1\ncommand=a\ncommand=b\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: start_command: a\nd: start_command: b",
     "",
     "",
     {}},
    {"I007",
     "[options]\nlogfile=/x\n[d]\nsequence=1\n[options]\nlogfile=/y\npidfile=/z\n",
     "new section: 'options'\nlog file: /x\nnew section: 'd'\nd: sequence: 1:tcp\nnew section: 'options'\nlog file: "
     "/y\npid file: /z",
     "",
     "",
     {}},
    {"I009", "[ ]\nsequence=1\n", "new section: ' '\n : sequence: 1:tcp", "", "", {}},
    {"I010",
     "[a:b]\nsequence=1\n[a]\nsequence=2\n",
     "new section: 'a:b'\na:b: sequence: 1:tcp\nnew section: 'a'\na: sequence: 2:tcp",
     "",
     "",
     {}},
    {"I011a",
     "[d]\nsequence=1\ncommand=/bin/a; /bin/b\nseq_timeout=3\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: start_command: /bin/a; /bin/b\nd: seq_timeout: 3",
     "",
     "",
     {}},
    {"I011b",
     "[d]\nsequence=1\ncommand=sh -c 'a; b'\nseq_timeout=3\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: start_command: sh -c 'a; b'\nd: seq_timeout: 3",
     "",
     "",
     {}},
    {"I012",
     "[d]\nsequence=1\ncommand=echo a#b\nseq_timeout=3\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: start_command: echo a#b\nd: seq_timeout: 3",
     "",
     "",
     {}},
    {"I013a",
     "[d]\nsequence=1\ncommand=;\nseq_timeout=3\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: start_command: ;\nd: seq_timeout: 3",
     "",
     "",
     {}},
    {"I013b",
     "[d]\nsequence=1\ncommand=; ls\nseq_timeout=3\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: start_command: ; ls\nd: seq_timeout: 3",
     "",
     "",
     {}},
    {"I013c",
     "[d]\nsequence=1\ncommand=#foo\nseq_timeout=3\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: start_command: #foo\nd: seq_timeout: 3",
     "",
     "",
     {}},
    {"I014a",
     "[d]\nsequence=1\ncommand=\"/bin/my cmd\" -s %IP%\nseq_timeout=3\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: start_command: \"/bin/my cmd\" -s %IP%\nd: seq_timeout: 3",
     "",
     "",
     {}},
    {"I014b",
     "[d]\nsequence=1\ncommand='/bin/my cmd' -s %IP%\nseq_timeout=3\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: start_command: '/bin/my cmd' -s %IP%\nd: seq_timeout: 3",
     "",
     "",
     {}},
    {"I015",
     "[d]\nsequence=1\ncommand=\"echo hi\"\nseq_timeout=3\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: start_command: \"echo hi\"\nd: seq_timeout: 3",
     "",
     "",
     {}},
    {"I016a",
     "[d]\nsequence=1\ncommand=\"abc def\nseq_timeout=3\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: start_command: \"abc def\nd: seq_timeout: 3",
     "",
     "",
     {}},
    {"I016b",
     "[d]\nsequence=1\ncommand=abc' def\nseq_timeout=3\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: start_command: abc' def\nd: seq_timeout: 3",
     "",
     "",
     {}},
    {"I017a",
     "[d]\nsequence=1\ncommand=\"\"\nseq_timeout=3\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: start_command: \"\"\nd: seq_timeout: 3",
     "",
     "",
     {}},
    {"I017b",
     "[d]\nsequence=1\ncommand=''\nseq_timeout=3\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: start_command: ''\nd: seq_timeout: 3",
     "",
     "",
     {}},
    {"I018",
     "[d]\nsequence=1\ntarget=\"10.9.0.1\"\n",
     "new section: 'd'\nd: sequence: 1:tcp",
     "",
     "config: line 3: \"\"10.9.0.1\"\" is not an IP address --> disabling the door",
     {}},
    {"I020a",
     "[d]\nsequence=1\ncommand=echo a \\\nseq_timeout=3\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: start_command: echo a \\\nd: seq_timeout: 3",
     "",
     "",
     {}},
    {"I020b",
     "[d]\nsequence=1\ncommand=echo a \\\\\nseq_timeout=3\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: start_command: echo a \\\\\nd: seq_timeout: 3",
     "",
     "",
     {}},
    {"I020c",
     "[d]\nsequence=1\n# c \\\nseq_timeout=3\n# d \\\n[e]\nsequence=2\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: seq_timeout: 3\nnew section: 'e'\ne: sequence: 2:tcp",
     "",
     "",
     {}},
    {"I022a",
     "[d]\nsequence=1\ncommand=A=1 B=2\nseq_timeout=3\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: start_command: A=1 B=2\nd: seq_timeout: 3",
     "",
     "",
     {}},
    {"I022b",
     "[d]\nsequence=1\ncommand=a\011\011b   c\nseq_timeout=3\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: start_command: a\011\011b   c\nd: seq_timeout: 3",
     "",
     "",
     {}},
    {"I022c",
     "[d]\nsequence=1\ncommand=printf %s%n %%\nseq_timeout=3\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: start_command: printf %s%n %%\nd: seq_timeout: 3",
     "",
     "",
     {}},
    {"I022d",
     "[d]\nsequence=1\ncommand=gr\303\274\303\237e\nseq_timeout=3\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: start_command: gr\303\274\303\237e\nd: seq_timeout: 3",
     "",
     "",
     {}},
    {"I022e",
     "[d]\013\n\014sequence=1\013\014\ncommand=\013 x \014\n",
     "new section: 'd'\nd: sequence: 1:tcp\nd: start_command: x",
     "",
     "",
     {}},
    {"I024", "[d]\nsequence=1\nfoo\n", "new section: 'd'\nd: sequence: 1:tcp", "config: line 3: syntax error", "", {}},
});

/// A folder of its own for each test.
struct Told {
  std::string debug_lines;
  std::string error;
  std::string disabled;
  std::vector<unsigned> warned_lines;
};

Told told_by(const ConfigReading& reading) {
  Told told;
  for (const Note& note : reading.notes) {
    switch (note.kind) {
      case Note::Kind::debug:
        if (!told.debug_lines.empty()) told.debug_lines += '\n';
        told.debug_lines += note.text.starts_with("config: ") ? note.text.substr(8) : "!" + note.text;
        break;
      case Note::Kind::error:
        told.error = note.text;
        break;
      case Note::Kind::disabled:
        told.disabled = note.text;
        break;
      case Note::Kind::warning:
        told.warned_lines.push_back(note.place.line);
        break;
      case Note::Kind::report:
        break;
    }
  }
  return told;
}

class KnockdConfig : public testing::TestWithParam<Case> {};

TEST_P(KnockdConfig, says_what_the_specification_wants) {
  const Case& row = GetParam();
  test::ScratchFolder folder;
  const ConfigReading reading = read_config(folder.write("c", row.file), {.has_interface = true});
  const Told told = told_by(reading);
  EXPECT_EQ(told.debug_lines, row.debug_lines);
  EXPECT_EQ(told.error, row.error);
  EXPECT_EQ(told.disabled, row.disabled);
  if (!row.warned_lines.empty()) {
    EXPECT_EQ(told.warned_lines, row.warned_lines);
  }
  EXPECT_EQ(reading.config.has_value(), row.error.empty());
  if (reading.config && !row.disabled.empty()) {
    EXPECT_TRUE(reading.config->doors.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Specification, KnockdConfig, testing::ValuesIn(cases),
                         [](const testing::TestParamInfo<Case>& row) { return std::string(row.param.name); });

TEST(KnockdConfigInclude, names_the_file_in_its_errors) {
  test::ScratchFolder folder;
  folder.write("doors.conf", "command = x\n\nbad\n");
  const auto path = folder.write("c", "[d]\nsequence=1\n%include doors.conf\n");
  const auto reading = read_config(path, {});
  EXPECT_EQ(told_by(reading).error, "config: " + folder.path("doors.conf") + ": line 3: syntax error");
  folder.write("doors.conf", "command = x\n[e]\nsequence=2\n");
  EXPECT_EQ(read_config(path, {}).config.value().doors.size(), 2U);
}

TEST(KnockdConfigErrors, of_files) {
  test::ScratchFolder folder;
  EXPECT_EQ(told_by(read_config("/nonexistent", {})).error, "/nonexistent: No such file or directory");
  EXPECT_EQ(told_by(read_config("", {})).error, "No such file or directory");
  EXPECT_EQ(told_by(read_config("/usr", {})).error, "/usr: Is a directory");
  const auto path = folder.write("c", "[d]\none_time_sequences=/usr\n");
  const std::string pipe = path + ".pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(told_by(read_config(pipe, {})).error,
            pipe + ": not a regular file (a pipe or device cannot be read again on reload)");
  ::unlink(pipe.c_str());
  EXPECT_EQ(told_by(read_config(path, {})).error, "/usr: Is a directory");
}

TEST(KnockdConfigManyDoors, all_arrive) {
  std::string text;
  for (int i = 0; i < 3000; ++i)
    text += "[d" + std::to_string(i) + "]\nsequence=" + std::to_string(i + 1) + ",2,3\ncommand=echo %IP%\n";
  test::ScratchFolder folder;
  const auto config = read_config(folder.write("c", text), {}).config.value();
  ASSERT_EQ(config.doors.size(), 3000U);
  EXPECT_EQ(config.doors[2999].lock.sequence[0].port, 3000);
}

/// iniparser gets a long file in pieces: wherever the cut falls, sections, long values and errors are whole.
TEST(KnockdConfigPieces, are_not_seen) {
  test::ScratchFolder folder;
  const std::string long_value(2000, ';');
  for (unsigned lines = 90; lines < 220; ++lines) {
    std::string text = "[d]\nsequence=1\n";
    for (unsigned i = 0; i < lines; ++i) text += "timeout=" + std::to_string(i) + "\n";
    const auto good = read_config(
        folder.write("c", text + "command=" + long_value + "\n[e]\nsequence=2\n[options]\npidfile=/p\n"), {});
    ASSERT_TRUE(good.config) << lines;
    ASSERT_EQ(good.config->doors.size(), 2U) << lines;
    EXPECT_EQ(good.config->doors[0].lock.seq_timeout_s, static_cast<std::int32_t>(lines) - 1);
    EXPECT_EQ(good.config->doors[0].v4.start, long_value) << lines;
    EXPECT_EQ(good.config->pid_file, "/p");
    EXPECT_EQ(told_by(read_config(folder.write("c", text + "bad\n"), {})).error,
              "config: line " + std::to_string(lines + 3) + ": syntax error");
  }
}

TEST(KnockdConfigNotes, without_debug_lines_hold_the_rest) {
  test::ScratchFolder folder;
  const auto reading =
      read_config(folder.write("c", "[options]\nlogfile=/l\n[d]\nsequence=1\ntimeout=2x\n"), {.wants_debug = false});
  ASSERT_EQ(reading.notes.size(), 1U);
  EXPECT_EQ(reading.notes[0].kind, Note::Kind::warning);
}

TEST(KnockdOneTime, first_usable_line_counts) {
  test::ScratchFolder folder;
  folder.write("S", "#1,2\n #3,4\n\n 1:xyz\n 70000\nhello\n 5,6:udp\n7,8\n");
  const auto path = folder.write("c", "[d]\none_time_sequences=" + folder.path("S") + "\n");
  const auto reading = read_config(path, {});
  ASSERT_TRUE(reading.config);
  EXPECT_EQ(told_by(reading).debug_lines, "new section: 'd'\nd: one time sequences file: " + folder.path("S") +
                                              "\n!new sequence for door d: 5:tcp,6:udp\nd: sequence: 5:tcp,6:udp");
  std::string reports;
  for (const Note& note : reading.notes)
    if (note.kind == Note::Kind::report) reports += note.text + "\n";
  EXPECT_EQ(reports,
            "config: section d: unknown protocol in knock sequence\nconfig: section d: port 70000 is invalid\n"
            "config: section d: port \"hello\" is invalid\n");

  OneTimeSource& source = *reading.config->one_time[0];
  ASSERT_TRUE(source.file.mark_used(*source.current));
  EXPECT_EQ(folder.read("S"), "#1,2\n #3,4\n\n 1:xyz\n 70000\nhello\n#5,6:udp\n7,8\n");
  const auto next = source.file.scan().value();
  EXPECT_EQ(format_sequence(next.first->sequence), "7:tcp,8:tcp");
  EXPECT_FALSE(source.file.mark_used(*source.current)) << "a line is used once";
}

TEST(KnockdOneTime, a_used_up_file_is_an_error) {
  test::ScratchFolder folder;
  folder.write("S", "#1\n");
  const auto reading = read_config(folder.write("c", "[d]\none_time_sequences=" + folder.path("S") + "\n"), {});
  EXPECT_EQ(told_by(reading).error,
            "no more sequences left in the one time sequences file for door d --> disabling the door");
}

}  // namespace
}  // namespace latchkey::knockd
