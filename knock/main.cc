// SPDX-License-Identifier: GPL-2.0-or-later
// knock: parse options, load configuration, run.

int main() { return 1; }
