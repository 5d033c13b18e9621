// SPDX-License-Identifier: GPL-2.0-or-later
// The client's rc file: grammar, directives, merging, includes, saving.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/crypto/secret.h"
#include "fwknop/rc_directives.h"
#include "fwknop/rc_file.h"
#include "fwknop/rc_save.h"
#include "fwknop/rc_text.h"

namespace latchkey::fwknop {
namespace {

namespace fs = std::filesystem;

/// A folder that goes, and a console that writes into it.
class RcFile : public testing::Test {
 protected:
  RcFile() {
    EXPECT_TRUE(crypto::init());
    std::string pattern = fs::temp_directory_path() / "fwknop_rc.XXXXXX";
    folder = ::mkdtemp(pattern.data());
    path = folder / "rc";
    out = std::fopen((folder / "out").c_str(), "w+");
    console.emplace(fileno(out), fileno(out));
  }
  ~RcFile() override {
    console.reset();
    std::fclose(out);
    fs::remove_all(folder);
  }
  void write(const fs::path& file, std::string_view text) {
    std::ofstream(file, std::ios::binary) << text;
    ::chmod(file.c_str(), 0600);
  }
  std::string read(const fs::path& file) {
    std::stringstream text;
    text << std::ifstream(file, std::ios::binary).rdbuf();
    return text.str();
  }
  std::string printed() {
    console->flush();
    return read(folder / "out");
  }
  RcPass apply(std::string_view section, Source source = Source::default_section) {
    return apply_rc_section(path, section, source, settings, *console);
  }
  bool finds(std::string_view section) {
    Settings others;
    return apply_rc_section(path, "none", Source::default_section, others, *console, section).has_other;
  }

  fs::path folder;
  fs::path path;
  std::FILE* out = nullptr;
  std::optional<Console> console;
  Settings settings;
};

struct LineCase {
  const char* raw;
  RcLineKind kind;
  const char* name;
  const char* value;
};

TEST(RcLineGrammar, kinds) {
  using enum RcLineKind;
  for (const LineCase& row : {
           LineCase{"KEY v\n", directive, "KEY", "v"},
           {"  KEY\tv # c", directive, "KEY", "v"},
           {"KEY: v", directive, "KEY", "v"},
           {"A:B: v", directive, "A:B", "v"},
           {"KEY a b", directive, "KEY", "a"},
           {"KEY a;b", directive, "KEY", "a"},
           {"KEY a#b", directive, "KEY", "a"},
           {"KEY 'a'", directive, "KEY", "'a'"},
           {"KEY = a", directive, "KEY", "="},
           {"KEY v\r\n", directive, "KEY", "v"},
           {"KEY\n", malformed, "KEY", ""},
           {"KEY=v", malformed, "KEY=v", ""},
           {"KEY:v", malformed, "KEY", ""},
           {"KEY #", malformed, "KEY", ""},
           {"", ignored, "", ""},
           {"   \n", ignored, "", ""},
           {"#x y", ignored, "", ""},
           {"  ; x y", ignored, "", ""},
           {"\r\n", ignored, "", ""},
           {"[a b] tail", section, "a b", ""},
           {" [ x]", section, " x", ""},
           {"[x y", directive, "[x", "y"},
           {"[]", section, "", ""},
           {"%include a b.conf \n", include, "%include", "a b.conf"},
           {"%include", malformed, "%include", ""},
           {"%include_folder d", include, "%include_folder", "d"},
       }) {
    const RcLine line = parse_rc_line(row.raw);
    EXPECT_EQ(line.kind, row.kind) << row.raw;
    EXPECT_EQ(line.raw, row.raw);
    if (row.kind == ignored || row.kind == malformed) continue;
    EXPECT_EQ(line.name, row.name) << row.raw;
    EXPECT_EQ(line.value, row.value) << row.raw;
  }
}

TEST(RcLineGrammar, values_that_a_line_can_hold) {
  for (const char* value : {"a", "a=b", "'", "a\vb", "x,y:z"}) EXPECT_TRUE(is_rc_value(value)) << value;
  for (const char* value : {"", "a b", "a\tb", "a;b", "a#b", "\n", "a\r", "\vx"})
    EXPECT_FALSE(is_rc_value(value)) << value;
}

TEST(RcDirectives, names_and_positions_differ) {
  for (const RcDirective& row : rc_directives()) {
    EXPECT_EQ(find_rc_directive(row.name), &row);
    for (const RcDirective& other : rc_directives())
      if (&other != &row) {
        EXPECT_NE(other.position, row.position) << row.name;
      }
    EXPECT_FALSE(row.help.empty());
  }
  EXPECT_EQ(rc_directives().size(), 44u);
  EXPECT_EQ(find_rc_directive("spoof_user"), nullptr);
}

struct DirectiveCase {
  const char* name;
  const char* value;
  const char* saved;  // nullptr: refused
};

TEST(RcDirectives, values_and_what_is_saved_for_them) {
  ASSERT_TRUE(crypto::init());
  for (const DirectiveCase& row : {
           DirectiveCase{"DIGEST_TYPE", "md5", "MD5"},
           {"DIGEST_TYPE", "md4", nullptr},
           {"SPA_SERVER_PROTO", "HTTP", "http"},
           {"SPA_SERVER_PROTO", "ftp", nullptr},
           {"SPA_SERVER_PORT", "65535", "65535"},
           {"SPA_SERVER_PORT", "65536", nullptr},
           {"SPA_SERVER_PORT", "22x", nullptr},
           {"FW_TIMEOUT", "65536", "65536"},
           {"FW_TIMEOUT", "65537", nullptr},
           {"ALLOW_IP", "1.2.3.4", "1.2.3.4"},
           {"ALLOW_IP", "SOURCE", "0.0.0.0"},
           {"ALLOW_IP", "Resolve", ""},
           {"ALLOW_IP", "localhost", nullptr},
           {"TIME_OFFSET", "-2h", "-7200"},
           {"TIME_OFFSET", "0", ""},
           {"TIME_OFFSET", "x", nullptr},
           {"ENCRYPTION_MODE", "cTr", "CTR"},
           {"ENCRYPTION_MODE", "pcbc", nullptr},
           {"USE_GPG", "y", "Y"},
           {"USE_GPG", "yes", "N"},
           {"KEY", "k", "k"},
           {"KEY_BASE64", "QUFB", "QUFB"},
           {"KEY_BASE64", "a%b", nullptr},
           {"KEY_BASE64", "a=b=", nullptr},
           {"HMAC_DIGEST_TYPE", "sha3_256", "SHA3_256"},
           {"VERBOSE", "Y", "Y"},
           {"VERBOSE", "4", "4"},
           {"VERBOSE", "5", nullptr},
           {"VERBOSE", "N", "0"},
           {"SPOOF_USER", "bob", "bob"},
           {"WGET_CMD", "/bin/wget", "/bin/wget"},
           {"RESOLVE_IP_HTTP", "Y", "Y"},
       }) {
    Settings settings;
    const RcDirective* directive = find_rc_directive(row.name);
    ASSERT_NE(directive, nullptr) << row.name;
    const auto result = directive->set(settings, row.value, Source::default_section);
    EXPECT_EQ(result.ok(), row.saved != nullptr) << row.name << ' ' << row.value;
    if (result && row.saved != nullptr) {
      EXPECT_EQ(directive->format(settings), row.saved) << row.name;
    }
  }
}

TEST_F(RcFile, parts_of_a_section_apply_in_order) {
  write(path, "GARBAGE\n[default]\nSPOOF_USER a\n[other]\nMORE\n[Default]\nSPOOF_USER b\nFW_TIMEOUT 9\n");
  const RcPass pass = apply("default");
  EXPECT_TRUE(pass.is_ok);
  EXPECT_EQ(settings.spoof_user, "b");
  EXPECT_EQ(settings.fw_timeout_s, 9);
  EXPECT_EQ(printed(), "");
  EXPECT_TRUE(finds("OTHER"));
  EXPECT_FALSE(finds("absent"));
}

TEST_F(RcFile, nameless_section_is_nobodys) {
  write(path, "[]\nSPOOF_USER a\n");
  EXPECT_FALSE(finds(""));
  EXPECT_TRUE(apply("").is_ok);
  EXPECT_EQ(settings.spoof_user, "");
}

TEST_F(RcFile, blank_lines_indented_comments_and_long_lines_are_fine) {
  write(path, "[default]\n   \n\t# c\n  ; c\nSPOOF_USER a #" + std::string(5000, 'x') + "\n");
  EXPECT_TRUE(apply("default").is_ok);
  EXPECT_EQ(settings.spoof_user, "a");
  EXPECT_EQ(printed(), "");
}

TEST_F(RcFile, errors_name_file_and_line) {
  write(path, "[default]\nBAD x\nTIME_OFFSET zz\nSPOOF_USER\nBAD y\n");
  EXPECT_FALSE(apply("default").is_ok);
  EXPECT_EQ(printed(), "Parameter error in " + path.string() +
                           ", line 2: var=BAD, val=x\nTIME_OFFSET argument 'zz' invalid.\nParameter error in " +
                           path.string() + ", line 3: var=TIME_OFFSET, val=zz\n*Invalid entry in 'SPOOF_USER\n'\n");
}

TEST_F(RcFile, includes_continue_the_section) {
  write(path, "%include top.rc\n[default]\n%include part.rc\nFW_TIMEOUT 9\n");
  write(folder / "top.rc", "[vpn]\nSPA_SERVER v\n");
  write(folder / "part.rc", "SPOOF_USER a\n[x]\nKEY k\n");
  EXPECT_TRUE(apply("default").is_ok);
  EXPECT_EQ(settings.spoof_user, "a");
  EXPECT_EQ(settings.fw_timeout_s, 9);
  EXPECT_TRUE(finds("vpn"));
  EXPECT_TRUE(apply("vpn").is_ok);
  EXPECT_EQ(settings.server, "v");
  EXPECT_TRUE(finds("x"));
  EXPECT_EQ(*list_rc_sections(path), (std::vector<std::string>{"vpn", "x"}));
}

TEST_F(RcFile, other_files_are_to_be_private_too) {
  write(path, "%include part.rc\n[default]\n");
  write(folder / "part.rc", "");
  ::chmod((folder / "part.rc").c_str(), 0644);
  fs::create_directory(folder / "rc.d");
  write(folder / "rc.d/a.conf", "");
  ::chmod((folder / "rc.d/a.conf").c_str(), 0640);
  EXPECT_TRUE(apply("default").is_ok);
  for (const char* name : {"part.rc", "rc.d/a.conf"})
    EXPECT_NE(printed().find((folder / name).string() + " permissions should only be"), std::string::npos) << name;
}

TEST_F(RcFile, missing_include_and_loop_end_the_run) {
  write(path, "%include nowhere.rc\n[default]\n");
  EXPECT_FALSE(apply("default").is_ok);
  EXPECT_NE(printed().find("Unable to open rc file: "), std::string::npos);
  write(path, "%include rc\n[default]\n");
  EXPECT_FALSE(apply("default").is_ok);
}

TEST_F(RcFile, folder_beside_the_file_is_read_behind_it) {
  write(path, "[default]\nSPOOF_USER a\n");
  fs::create_directory(folder / "rc.d");
  write(folder / "rc.d/20.conf", "[default]\nSPOOF_USER c\n");
  write(folder / "rc.d/10.conf", "[default]\nSPOOF_USER b\n[ten]\nKEY k\n");
  write(folder / "rc.d/30.old", "[default]\nSPOOF_USER d\n");
  EXPECT_TRUE(apply("default").is_ok);
  EXPECT_EQ(settings.spoof_user, "c");
  EXPECT_EQ(*list_rc_sections(path), (std::vector<std::string>{"ten"}));
}

TEST_F(RcFile, unreadable_file_is_complained_about_and_forgiven) {
  path = folder / "none";
  const RcPass pass = apply("default");
  EXPECT_TRUE(pass.is_ok);
  EXPECT_EQ(printed(), "Unable to open rc file: " + path.string() + ": No such file or directory\n");
  path = folder;  // a folder reads as empty
  EXPECT_TRUE(apply("default").is_ok);
  EXPECT_FALSE(list_rc_sections(folder / "none"));
}

// --- saving
// -----------------------------------------------------------------------------------------------------------

struct UpdateCase {
  const char* name;
  const char* before;
  const char* after;
};

class RcUpdate : public RcFile {
 protected:
  std::string update(std::string_view text, std::string_view stanza, bool is_forced, bool answer) {
    const StanzaUpdate change{.stanza = stanza,
                              .assignments = {{"DIGEST_TYPE", 0, "SHA1"}, {"KEY", 20, "k1"}},
                              .is_forced = is_forced,
                              .may_overwrite = [&](std::string_view name, std::string_view) {
                                asked.emplace_back(name);
                                return answer;
                              }};
    const auto result = update_rc_text(text, change, *console);
    return result ? *result : "error: " + result.error().text;
  }
  std::vector<std::string> asked;
};

constexpr const char* new_lines = "DIGEST_TYPE                 SHA1\nKEY                         k1\n";

TEST_F(RcUpdate, everything_else_stays) {
  const std::string lines = new_lines;
  EXPECT_EQ(update("[default]\n", "x", false, true), "[default]\n\n[x]\n" + lines);
  EXPECT_EQ(update("[o]\nA b", "x", false, true), "[o]\nA b\n\n[x]\n" + lines);
  EXPECT_EQ(update("", "x", false, true), "[x]\n" + lines);
  EXPECT_EQ(update("[o]\n\n", "x", false, true), "[o]\n\n[x]\n" + lines);
  EXPECT_EQ(update("# top\n[x]\n# mine\nFW_TIMEOUT 3 # old\n# end\n\n[y]\nKEY q\n", "X", false, true),
            "# top\n[x]\n# mine\n" + lines + "# end\n\n[y]\nKEY q\n");
  EXPECT_EQ(update("[x]\nFW_TIMEOUT 3\n[y]\nKEY q\n", "x", false, true), "[x]\n" + lines + "\n[y]\nKEY q\n");
  EXPECT_EQ(update("[x]\n# about\n\n# next\n[y]\n", "x", false, true), "[x]\n# about\n" + lines + "\n# next\n[y]\n");
  EXPECT_EQ(update("[x]\n%include more\nCLIENT_TIMEOUT 3\n", "x", false, true), "[x]\n%include more\n" + lines);
  EXPECT_EQ(update("[x]\n[x]\nKEY second\n", "x", false, true), "[x]\n" + lines + "\n[x]\nKEY second\n");
  EXPECT_TRUE(asked.empty());
}

TEST_F(RcUpdate, critical_directives_are_asked_about) {
  EXPECT_EQ(update("[x]\nKEY b\n", "x", false, true), std::string("[x]\n") + new_lines);
  EXPECT_EQ(update("[x]\nKEY b", "x", false, false), "[x]\nKEY b\nDIGEST_TYPE                 SHA1\n");
  EXPECT_EQ(asked, (std::vector<std::string>{"KEY", "KEY"}));
}

TEST_F(RcUpdate, force_drops_old_lines_without_asking) {
  EXPECT_EQ(update("[x]\nKEY b\nHMAC_KEY c\nBROKEN\nODD x\n# kept\n", "x", true, false),
            std::string("[x]\n") + new_lines + "# kept\n");
  EXPECT_TRUE(asked.empty());
}

TEST_F(RcUpdate, malformed_line_leaves_the_file_alone) {
  EXPECT_EQ(update("[x]\nBADLINE\n", "x", false, true), "error: *Invalid entry in 'BADLINE\n'");
}

TEST_F(RcFile, saving_is_atomic_private_and_follows_links) {
  settings.named_config = "x";
  settings.fw_timeout_s = 5;
  settings.to_save = directive_set({"FW_TIMEOUT", "TIME_OFFSET"});
  write(folder / "real", "# c\n[y]\nKEY q\n");
  ::chmod((folder / "real").c_str(), 0644);
  fs::create_symlink("real", path);
  write(folder / "rc.updated", "left over by the old program");
  EXPECT_TRUE(save_rc_stanza(path, settings, *console));
  EXPECT_EQ(printed(), "");
  EXPECT_TRUE(fs::is_symlink(path));
  EXPECT_EQ(read(path), "# c\n[y]\nKEY q\n\n[x]\nFW_TIMEOUT                  5\n");
  struct stat facts {};
  ASSERT_EQ(::stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0600u);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder)) ++files;
  EXPECT_EQ(files, 4u);  // out, rc, real, rc.updated
}

TEST_F(RcFile, keys_that_a_line_cannot_hold_are_saved_in_base64) {
  settings.key.text = SecretBytes::copy_of("pass word");
  settings.user_agent = "Mozilla/5.0 (X11)";
  settings.to_save = directive_set({"KEY", "HTTP_USER_AGENT"});
  const auto assignments = assignments_to_save(settings, *console);
  ASSERT_EQ(assignments.size(), 1u);
  EXPECT_EQ(assignments[0].name, "KEY_BASE64");
  EXPECT_EQ(assignments[0].value, "cGFzcyB3b3Jk");
  EXPECT_NE(printed().find("HTTP_USER_AGENT is not saved"), std::string::npos);
}

}  // namespace
}  // namespace latchkey::fwknop
