// SPDX-License-Identifier: GPL-2.0-or-later
// Completion files for shells, made from an option table. Rows without a help text are left out.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "common/cli/option.h"

namespace latchkey::cli {

/// What an argument is, as far as a shell can complete it; from the placeholder.
enum class ArgumentKind { file, folder, interface, other };
ArgumentKind argument_kind(const OptionText& row);

/// A completion function for bash; short and long options, `--name=value`, files, folders, interfaces.
std::string format_bash_completion(std::string_view program, std::span<const OptionText> table);

/// An autoloaded function for zsh (`#compdef`), around _arguments.
std::string format_zsh_completion(std::string_view program, std::span<const OptionText> table);

/// `complete` lines for fish.
std::string format_fish_completion(std::string_view program, std::span<const OptionText> table);

}  // namespace latchkey::cli
