/* SPDX-License-Identifier: MIT */
/* The commands. Each gets its own name as argv[0] and returns an exit status. */
#ifndef TOOLS_CMD_H
#define TOOLS_CMD_H

int wb_cmd_annotate(int argc, char **argv);
int wb_cmd_audit(int argc, char **argv);
int wb_cmd_info(int argc, char **argv);
int wb_cmd_rows(int argc, char **argv);
int wb_cmd_snapshot(int argc, char **argv);
int wb_cmd_stacks(int argc, char **argv);
int wb_cmd_symbolize(int argc, char **argv);

#endif
