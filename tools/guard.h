/* SPDX-License-Identifier: MIT */
/*
 * The command maps the objects that it reads. A file that shrinks meanwhile raises SIGBUS: the guard ends the command with one line and
 * status 1 in place of a crash. A closed pipe becomes a failed write.
 */
#ifndef TOOLS_GUARD_H
#define TOOLS_GUARD_H

void wb_guard_start(void);

#endif
