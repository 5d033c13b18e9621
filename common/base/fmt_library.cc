// SPDX-License-Identifier: GPL-2.0-or-later
// {fmt} compiled into the programs: its shared library would load libstdc++ too, 0.7 ms of every start
// (doc/PERFORMANCE).
// No std::locale: it would bring most of libstdc++ into every program, and "{:L}" is used nowhere.
#define FMT_STATIC_THOUSANDS_SEPARATOR ','
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wold-style-cast"
#include <fmt/format-inl.h>

// What <fmt/format.h> declares as instantiated elsewhere (in the library: src/format.cc).
FMT_BEGIN_NAMESPACE
namespace detail {
template dragonbox::decimal_fp<float> dragonbox::to_decimal(float value) noexcept;
template dragonbox::decimal_fp<double> dragonbox::to_decimal(double value) noexcept;
template thousands_sep_result<char> thousands_sep_impl(locale_ref);
template char decimal_point_impl(locale_ref);
template void buffer<char>::append(const char*, const char*);
template void vformat_to(buffer<char>&, string_view, basic_format_args<FMT_BUFFER_CONTEXT(char)>, locale_ref);
}  // namespace detail
FMT_END_NAMESPACE
#pragma GCC diagnostic pop
