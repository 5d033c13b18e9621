// SPDX-License-Identifier: GPL-2.0-or-later
// The field dump (spec/spa-wire.md 11).
#include "common/spa/dump.h"

#include <gtest/gtest.h>

#include "t/lib/spa_samples.h"

namespace latchkey::spa {
namespace {

TEST(Dump, shows_a_plain_message) {
  const DumpContext context{.hmac_type = DigestType::sha512, .encoded = "M", .digest = "D", .hmac = "H", .wire = "W"};
  EXPECT_EQ(format_fields(test::sample_message(), context), R"(SPA Field Values:
=================
   Random Value: 1234567890123456
       Username: alice
      Timestamp: 1704164645
    FKO Version: 3.0.0
   Message Type: 1 (Access msg)
 Message String: 1.2.3.4,tcp/22
     Nat Access: <NULL>
    Server Auth: <NULL>
 Client Timeout: 0
    Digest Type: 3 (SHA256)
      HMAC Type: 5 (SHA512)
Encryption Type: 1 (Rijndael)
Encryption Mode: 2 (CBC)
   Encoded Data: M
SPA Data Digest: D
           HMAC: H
 Final SPA Data: W
)");
}

TEST(Dump, shows_gpg_lines_and_absent_values) {
  Message message = test::sample_message();
  message.body = LocalNatAccess{parse_access("1.2.3.4,tcp/22", Side::sender).value(),
                                parse_nat("10.0.0.1,80", Side::sender).value(), 30};
  const DumpContext context{.encryption_type = EncryptionType::gpg,
                            .encryption_mode = EncryptionMode::asymmetric,
                            .gpg = GpgDump{.recipient = "server", .exe = "/opt/gpg"}};
  const std::string dump = format_fields(message, context);
  EXPECT_NE(dump.find("   Message Type: 6 (Client timeout local NAT access msg)\n"), std::string::npos);
  EXPECT_NE(dump.find("     Nat Access: 10.0.0.1,80\n"), std::string::npos);
  EXPECT_NE(dump.find(" Client Timeout: 30\n"), std::string::npos);
  EXPECT_NE(dump.find("      HMAC Type: 0 (None)\n"), std::string::npos);
  EXPECT_NE(dump.find(R"(Encryption Mode: 7 (Asymmetric)
     GPG signer: <NULL>
  GPG recipient: server
 GPG sig verify: Yes
 GPG ignore sig: No
     GPG sig ID: <NULL>
    GPG sig fpr: <NULL>
GPG sig summary: -1
 GPG sig status: -1
   GPG home dir: <NULL>
        GPG exe: /opt/gpg
   Encoded Data: <NULL>
SPA Data Digest: <NULL>
           HMAC: <NULL>
)"),
            std::string::npos);
}

}  // namespace
}  // namespace latchkey::spa
