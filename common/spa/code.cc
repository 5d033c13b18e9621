// SPDX-License-Identifier: GPL-2.0-or-later
// The tables behind spa::Code and spa::ServerCode.
#include "common/spa/code.h"

#include <fmt/format.h>

#include <array>

namespace latchkey::spa {
namespace {

struct Row {
  int number;
  std::string_view name;
  std::string_view text;  ///< empty: the shared text and the name
};

constexpr auto library_rows = std::to_array<Row>({
    {0, "FKO_SUCCESS", "Success"},
    {1, "FKO_ERROR_CTX_NOT_INITIALIZED", "FKO Context is not initialized"},
    {2, "FKO_ERROR_MEMORY_ALLOCATION", "Unable to allocate memory"},
    {3, "FKO_ERROR_FILESYSTEM_OPERATION", "Read/write bytes mismatch"},
    {4, "FKO_ERROR_INVALID_DATA", "Args contain invalid data"},
    {5, "FKO_ERROR_INVALID_DATA_CLIENT_TIMEOUT_NEGATIVE", ""},
    {6, "FKO_ERROR_INVALID_DATA_DECODE_MSGLEN_VALIDFAIL", ""},
    {7, "FKO_ERROR_INVALID_DATA_DECODE_NON_ASCII", ""},
    {8, "FKO_ERROR_INVALID_DATA_DECODE_LT_MIN_FIELDS", ""},
    {9, "FKO_ERROR_INVALID_DATA_DECODE_GT_MAX_FIELDS", ""},
    {10, "FKO_ERROR_INVALID_DATA_DECODE_WRONG_NUM_FIELDS", ""},
    {11, "FKO_ERROR_INVALID_DATA_DECODE_ENC_MSG_LEN_MT_T_SIZE", ""},
    {12, "FKO_ERROR_INVALID_DATA_DECODE_RAND_MISSING", ""},
    {13, "FKO_ERROR_INVALID_DATA_DECODE_USERNAME_MISSING", ""},
    {14, "FKO_ERROR_INVALID_DATA_DECODE_USERNAME_TOOBIG", ""},
    {15, "FKO_ERROR_INVALID_DATA_DECODE_USERNAME_DECODEFAIL", ""},
    {16, "FKO_ERROR_INVALID_DATA_DECODE_USERNAME_VALIDFAIL", ""},
    {17, "FKO_ERROR_INVALID_DATA_DECODE_TIMESTAMP_MISSING", ""},
    {18, "FKO_ERROR_INVALID_DATA_DECODE_TIMESTAMP_TOOBIG", ""},
    {19, "FKO_ERROR_INVALID_DATA_DECODE_TIMESTAMP_DECODEFAIL", ""},
    {20, "FKO_ERROR_INVALID_DATA_DECODE_VERSION_MISSING", ""},
    {21, "FKO_ERROR_INVALID_DATA_DECODE_VERSION_TOOBIG", ""},
    {22, "FKO_ERROR_INVALID_DATA_DECODE_MSGTYPE_MISSING", ""},
    {23, "FKO_ERROR_INVALID_DATA_DECODE_MSGTYPE_TOOBIG", ""},
    {24, "FKO_ERROR_INVALID_DATA_DECODE_MSGTYPE_DECODEFAIL", ""},
    {25, "FKO_ERROR_INVALID_DATA_DECODE_MESSAGE_MISSING", ""},
    {26, "FKO_ERROR_INVALID_DATA_DECODE_MESSAGE_TOOBIG", ""},
    {27, "FKO_ERROR_INVALID_DATA_DECODE_MESSAGE_DECODEFAIL", ""},
    {28, "FKO_ERROR_INVALID_DATA_DECODE_MESSAGE_VALIDFAIL", ""},
    {29, "FKO_ERROR_INVALID_DATA_DECODE_ACCESS_VALIDFAIL", ""},
    {30, "FKO_ERROR_INVALID_DATA_DECODE_NATACCESS_MISSING", ""},
    {31, "FKO_ERROR_INVALID_DATA_DECODE_NATACCESS_TOOBIG", ""},
    {32, "FKO_ERROR_INVALID_DATA_DECODE_NATACCESS_DECODEFAIL", ""},
    {33, "FKO_ERROR_INVALID_DATA_DECODE_NATACCESS_VALIDFAIL", ""},
    {34, "FKO_ERROR_INVALID_DATA_DECODE_SRVAUTH_MISSING", ""},
    {35, "FKO_ERROR_INVALID_DATA_DECODE_SRVAUTH_DECODEFAIL", ""},
    {36, "FKO_ERROR_INVALID_DATA_DECODE_SPA_EXTRA_TOOBIG", ""},
    {37, "FKO_ERROR_INVALID_DATA_DECODE_EXTRA_TOOBIG", ""},
    {38, "FKO_ERROR_INVALID_DATA_DECODE_EXTRA_DECODEFAIL", ""},
    {39, "FKO_ERROR_INVALID_DATA_DECODE_TIMEOUT_MISSING", ""},
    {40, "FKO_ERROR_INVALID_DATA_DECODE_TIMEOUT_TOOBIG", ""},
    {41, "FKO_ERROR_INVALID_DATA_DECODE_TIMEOUT_VALIDFAIL", ""},
    {42, "FKO_ERROR_INVALID_DATA_DECODE_TIMEOUT_DECODEFAIL", ""},
    {43, "FKO_ERROR_INVALID_DATA_ENCODE_MESSAGE_TOOBIG", ""},
    {44, "FKO_ERROR_INVALID_DATA_ENCODE_MSGLEN_VALIDFAIL", ""},
    {45, "FKO_ERROR_INVALID_DATA_ENCODE_DIGEST_VALIDFAIL", ""},
    {46, "FKO_ERROR_INVALID_DATA_ENCODE_DIGEST_TOOBIG", ""},
    {47, "FKO_ERROR_INVALID_DATA_ENCODE_NOTBASE64", ""},
    {48, "FKO_ERROR_INVALID_DATA_ENCRYPT_MSGLEN_VALIDFAIL", ""},
    {49, "FKO_ERROR_INVALID_DATA_ENCRYPT_DIGESTLEN_VALIDFAIL", ""},
    {50, "FKO_ERROR_INVALID_DATA_ENCRYPT_PTLEN_VALIDFAIL", ""},
    {51, "FKO_ERROR_INVALID_DATA_ENCRYPT_RESULT_MSGLEN_VALIDFAIL", ""},
    {52, "FKO_ERROR_INVALID_DATA_ENCRYPT_CIPHERLEN_DECODEFAIL", ""},
    {53, "FKO_ERROR_INVALID_DATA_ENCRYPT_CIPHERLEN_VALIDFAIL", ""},
    {54, "FKO_ERROR_INVALID_DATA_ENCRYPT_DECRYPTED_MESSAGE_MISSING", ""},
    {55, "FKO_ERROR_INVALID_DATA_ENCRYPT_DECRYPTED_MSGLEN_VALIDFAIL", ""},
    {56, "FKO_ERROR_INVALID_DATA_ENCRYPT_GPG_MESSAGE_VALIDFAIL", ""},
    {57, "FKO_ERROR_INVALID_DATA_ENCRYPT_GPG_DIGEST_VALIDFAIL", ""},
    {58, "FKO_ERROR_INVALID_DATA_ENCRYPT_GPG_MSGLEN_VALIDFAIL", ""},
    {59, "FKO_ERROR_INVALID_DATA_ENCRYPT_GPG_RESULT_MSGLEN_VALIDFAIL", ""},
    {60, "FKO_ERROR_INVALID_DATA_ENCRYPT_GPG_CIPHER_DECODEFAIL", ""},
    {61, "FKO_ERROR_INVALID_DATA_ENCRYPT_GPG_ENCODEDMSG_NULL", ""},
    {62, "FKO_ERROR_INVALID_DATA_ENCRYPT_GPG_ENCODEDMSGLEN_VALIDFAIL", ""},
    {63, "FKO_ERROR_INVALID_DATA_ENCRYPT_TYPE_VALIDFAIL", ""},
    {64, "FKO_ERROR_INVALID_DATA_ENCRYPT_MODE_VALIDFAIL", ""},
    {65, "FKO_ERROR_INVALID_DATA_ENCRYPT_TYPE_UNKNOWN", ""},
    {66, "FKO_ERROR_INVALID_DATA_FUNCS_NEW_ENCMSG_MISSING", ""},
    {67, "FKO_ERROR_INVALID_DATA_FUNCS_NEW_MSGLEN_VALIDFAIL", ""},
    {68, "FKO_ERROR_INVALID_DATA_FUNCS_GEN_KEYLEN_VALIDFAIL", ""},
    {69, "FKO_ERROR_INVALID_DATA_FUNCS_GEN_HMACLEN_VALIDFAIL", ""},
    {70, "FKO_ERROR_INVALID_DATA_FUNCS_GEN_KEY_ENCODEFAIL", ""},
    {71, "FKO_ERROR_INVALID_DATA_FUNCS_GEN_HMAC_ENCODEFAIL", ""},
    {72, "FKO_ERROR_INVALID_DATA_FUNCS_SET_MSGLEN_VALIDFAIL", ""},
    {73, "FKO_ERROR_INVALID_DATA_HMAC_MSGLEN_VALIDFAIL", ""},
    {74, "FKO_ERROR_INVALID_DATA_HMAC_ENCMSGLEN_VALIDFAIL", ""},
    {75, "FKO_ERROR_INVALID_DATA_HMAC_COMPAREFAIL", ""},
    {76, "FKO_ERROR_INVALID_DATA_HMAC_TYPE_VALIDFAIL", ""},
    {77, "FKO_ERROR_INVALID_DATA_HMAC_LEN_VALIDFAIL", ""},
    {78, "FKO_ERROR_INVALID_DATA_MESSAGE_PORT_MISSING", ""},
    {79, "FKO_ERROR_INVALID_DATA_MESSAGE_TYPE_VALIDFAIL", ""},
    {80, "FKO_ERROR_INVALID_DATA_MESSAGE_EMPTY", ""},
    {81, "FKO_ERROR_INVALID_DATA_MESSAGE_CMD_MISSING", ""},
    {82, "FKO_ERROR_INVALID_DATA_MESSAGE_ACCESS_MISSING", ""},
    {83, "FKO_ERROR_INVALID_DATA_MESSAGE_NAT_MISSING", ""},
    {84, "FKO_ERROR_INVALID_DATA_MESSAGE_PORTPROTO_MISSING", ""},
    {85, "FKO_ERROR_INVALID_DATA_NAT_EMPTY", ""},
    {86, "FKO_ERROR_INVALID_DATA_RAND_LEN_VALIDFAIL", ""},
    {87, "FKO_ERROR_INVALID_DATA_SRVAUTH_MISSING", ""},
    {88, "FKO_ERROR_INVALID_DATA_TIMESTAMP_VALIDFAIL", ""},
    {89, "FKO_ERROR_INVALID_DATA_USER_MISSING", ""},
    {90, "FKO_ERROR_INVALID_DATA_USER_FIRSTCHAR_VALIDFAIL", ""},
    {91, "FKO_ERROR_INVALID_DATA_USER_REMCHAR_VALIDFAIL", ""},
    {92, "FKO_ERROR_INVALID_DATA_UTIL_STRTOL_LT_MIN", ""},
    {93, "FKO_ERROR_INVALID_DATA_UTIL_STRTOL_GT_MAX", ""},
    {94, "FKO_ERROR_DATA_TOO_LARGE", "Value or Size of the data exceeded the max allowed"},
    {95, "FKO_ERROR_INVALID_KEY_LEN", "Invalid key length"},
    {96, "FKO_ERROR_USERNAME_UNKNOWN", "Unable to determine username"},
    {97, "FKO_ERROR_INCOMPLETE_SPA_DATA", "Missing or incomplete SPA data"},
    {98, "FKO_ERROR_MISSING_ENCODED_DATA", "There is no encoded data to process"},
    {99, "FKO_ERROR_INVALID_DIGEST_TYPE", "Invalid digest type"},
    {100, "FKO_ERROR_INVALID_ALLOW_IP", "Invalid allow IP address in the SPA message data"},
    {101, "FKO_ERROR_INVALID_SPA_COMMAND_MSG", "Invalid SPA command message format"},
    {102, "FKO_ERROR_INVALID_SPA_ACCESS_MSG", "Invalid SPA access message format"},
    {103, "FKO_ERROR_INVALID_SPA_NAT_ACCESS_MSG", "Invalid SPA nat_access message format"},
    {104, "FKO_ERROR_INVALID_ENCRYPTION_TYPE", "Invalid encryption type"},
    {105, "FKO_ERROR_WRONG_ENCRYPTION_TYPE", "Wrong or inappropriate encryption type for this operation"},
    {106, "FKO_ERROR_DECRYPTION_SIZE", "Unexpected or invalid size for decrypted data"},
    {107, "FKO_ERROR_DECRYPTION_FAILURE", "Decryption failed or decrypted data is invalid"},
    {108, "FKO_ERROR_DIGEST_VERIFICATION_FAILED", "The computed digest did not match the digest in the spa data"},
    {109, "FKO_ERROR_INVALID_HMAC_KEY_LEN", "Invalid HMAC key length"},
    {110, "FKO_ERROR_UNSUPPORTED_HMAC_MODE", "Unsupported HMAC mode (default: SHA256)"},
    {111, "FKO_ERROR_UNSUPPORTED_FEATURE", "Unsupported or unimplemented feature or function"},
    {112, "FKO_ERROR_ZERO_OUT_DATA", "Could not zero out sensitive data"},
    {113, "FKO_ERROR_UNKNOWN", "Unknown/Unclassified error"},
    {114, "GPGME_ERR_START", "Undefined Error"},
    {115, "FKO_ERROR_MISSING_GPG_KEY_DATA", "Missing GPG key data (signer or recipient not set)"},
    {116, "FKO_ERROR_GPGME_NO_OPENPGP", "This GPGME implementation does not support OpenPGP"},
    {117, "FKO_ERROR_GPGME_CONTEXT", "Unable to create GPGME context"},
    {118, "FKO_ERROR_GPGME_PLAINTEXT_DATA_OBJ", "Error creating the plaintext data object"},
    {119, "FKO_ERROR_GPGME_SET_PROTOCOL", "Unable to set GPGME to use OpenPGP protocol"},
    {120, "FKO_ERROR_GPGME_CIPHER_DATA_OBJ", "Error creating the encrypted data data object"},
    {121, "FKO_ERROR_GPGME_BAD_PASSPHRASE", "The GPG passphrase was not valid"},
    {122, "FKO_ERROR_GPGME_ENCRYPT_SIGN", "Error during the encrypt and sign operation"},
    {123, "FKO_ERROR_GPGME_CONTEXT_SIGNER_KEY", "Unable to create GPGME context for the signer key"},
    {124, "FKO_ERROR_GPGME_SIGNER_KEYLIST_START", "Error from signer keylist start operation"},
    {125, "FKO_ERROR_GPGME_SIGNER_KEY_NOT_FOUND", "The key for the given signer was not found"},
    {126, "FKO_ERROR_GPGME_SIGNER_KEY_AMBIGUOUS", "Ambiguous name/id for the signer key (multiple matches)"},
    {127, "FKO_ERROR_GPGME_ADD_SIGNER", "Error adding the signer key to the gpgme context"},
    {128, "FKO_ERROR_GPGME_CONTEXT_RECIPIENT_KEY", "Unable to create GPGME context for the recipient key"},
    {129, "FKO_ERROR_GPGME_RECIPIENT_KEYLIST_START", "Error from signer keylist start operation"},
    {130, "FKO_ERROR_GPGME_RECIPIENT_KEY_NOT_FOUND", "The key for the given recipient was not found"},
    {131, "FKO_ERROR_GPGME_RECIPIENT_KEY_AMBIGUOUS", "Ambiguous name/id for the recipient key (multiple matches)"},
    {132, "FKO_ERROR_GPGME_DECRYPT_FAILED", "Decryption operation failed"},
    {133, "FKO_ERROR_GPGME_DECRYPT_UNSUPPORTED_ALGORITHM", "Decryption operation failed due to unsupported algorithm"},
    {134, "FKO_ERROR_GPGME_BAD_GPG_EXE", "Unable to stat the given GPG executable"},
    {135, "FKO_ERROR_GPGME_BAD_HOME_DIR", "Unable to stat the given GPG home directory"},
    {136, "FKO_ERROR_GPGME_SET_HOME_DIR", "Unable to set the given GPG home directory"},
    {137, "FKO_ERROR_GPGME_NO_SIGNATURE", "Missing GPG signature"},
    {138, "FKO_ERROR_GPGME_BAD_SIGNATURE", "Bad GPG signature"},
    {139, "FKO_ERROR_GPGME_SIGNATURE_VERIFY_DISABLED", "Trying to check signature with verification disabled"},
});

constexpr auto server_rows = std::to_array<Row>({
    {0, "SPA_MSG_SUCCESS", "Success"},
    {4096, "SPA_MSG_BAD_DATA", "Data is not a valid SPA message format"},
    {4097, "SPA_MSG_LEN_TOO_SMALL", "Not enough data to be a valid SPA message"},
    {4098, "SPA_MSG_NOT_SPA_DATA", "Data is not an SPA message"},
    {4099, "SPA_MSG_HTTP_NOT_ENABLED", "SPA via HTTP request, but ENABLE_SPA_OVER_HTTP is not set"},
    {4100, "SPA_MSG_FKO_CTX_ERROR", "Error creating FKO context for incoming data."},
    {4101, "SPA_MSG_DIGEST_ERROR", "Unable to retrieve digest from the SPA data."},
    {4102, "SPA_MSG_DIGEST_CACHE_ERROR", "Error trying to access the digest.cache file"},
    {4103, "SPA_MSG_REPLAY", "Detected SPA message replay"},
    {4104, "SPA_MSG_TOO_OLD", "SPA message timestamp is outside the allowable window"},
    {4105, "SPA_MSG_ACCESS_DENIED", "SPA message did not pass access checks"},
    {4106, "SPA_MSG_COMMAND_ERROR", "An error occurred while executing an SPA command message"},
    {4107, "SPA_MSG_NOT_SUPPORTED", "Unsupported SPA message operation"},
    {4108, "SPA_MSG_NAT_NOT_ENABLED", "Undefined/unknown fwknopd Error"},
    {4109, "SPA_MSG_ERROR", "General SPA message processing error"},
    {8192, "FW_RULE_ADD_ERROR", "An error occurred while tring to add a firewall rule"},
    {8193, "FW_RULE_DELETE_ERROR", "An error occurred while tring to delete a firewall rule"},
    {8194, "FW_RULE_UNKNOWN_ERROR", "Unknown/unclassified firewall rule processing error"},
});

template <std::size_t n>
constexpr const Row* find(const std::array<Row, n>& rows, int number) {
  for (const Row& row : rows)
    if (row.number == number) return &row;
  return nullptr;
}

constexpr bool has_no_gaps() {
  for (std::size_t i = 0; i < library_rows.size(); ++i)
    if (library_rows[i].number != static_cast<int>(i)) return false;
  return true;
}
static_assert(has_no_gaps());

}  // namespace

std::string error_text(Code code) {
  const auto number = static_cast<std::size_t>(code);
  if (number >= library_rows.size()) return "Undefined Error";
  const Row& row = library_rows[number];
  return row.text.empty() ? fmt::format("Args contain invalid data: {}", row.name) : std::string(row.text);
}

std::string_view error_name(Code code) {
  const Row* row = find(library_rows, static_cast<int>(code));
  return row ? row->name : "";
}

bool is_gpg_error(Code code) {
  return code > Code::gpgme_err_start && static_cast<int>(code) < static_cast<int>(library_rows.size());
}

std::string_view error_text(ServerCode code) {
  const Row* row = find(server_rows, static_cast<int>(code));
  return row ? row->text : "Undefined/unknown fwknopd Error";
}

std::string_view error_name(ServerCode code) {
  const Row* row = find(server_rows, static_cast<int>(code));
  return row ? row->name : "";
}

std::string format_server_codes() {
  std::string lines;
  for (const Row& row : server_rows)
    if (row.number != 0) lines += fmt::format("err code: {}, err string: '{}'\n", row.number, row.text);
  return lines;
}

}  // namespace latchkey::spa
