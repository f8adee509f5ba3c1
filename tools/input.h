/* SPDX-License-Identifier: MIT */
/* What every command that reads a capture has: its options, a session with finders, the capture, messages and progress. */
#ifndef TOOLS_INPUT_H
#define TOOLS_INPUT_H

#include <walkback/walkback.h>

#include "options.h"
#include "paths.h"
#include "progress.h"
#include "report.h"

enum { WB_INPUT_OPTIONS = 9, WB_INPUT_OBJECT_OPTIONS = 3 };
struct wb_input {
	struct wb_report report;
	struct wb_progress progress;
	struct wb_paths paths;
	struct wb_counts pids, tids;
	struct wb_texts events;
	const char *kallsyms;
	uint64_t max_memory;          /* bytes; 0: the library's defaults */
	bool goroutines;              /* of cores, all that there are */
	struct wb_option options[WB_INPUT_OPTIONS];
	struct wb_option path_options[WB_PATHS_OPTIONS];
	const char *arch;             /* --arch: of an object; NULL: any */
	const char *uuid;             /* --uuid: of an object; NULL: any */
	struct wb_option object_options[WB_INPUT_OBJECT_OPTIONS]; /* of commands that open one */
	const char *name;             /* of the capture, for messages */
	struct wb_session *session;
	struct wb_capture *capture;
	struct wb_image *kernel;
};

/* Sets up the tables of options, which then point into *input. */
void wb_input_init(struct wb_input *input);
/* A session with finders. WB_EXIT_OK, or a status: said why. */
int wb_input_start(struct wb_input *input);
/* The same and a capture; "-" is standard input. */
int wb_input_open(struct wb_input *input, const char *path);
/* The capture again, from the start; not for standard input. */
int wb_input_reopen(struct wb_input *input);
/* An object, once started: a file, of a fat one the part for --arch or of --uuid; of a dSYM bundle, the debug file in it. */
enum wb_err wb_input_open_object(struct wb_input *input, const char *path, struct wb_image **ret_image);
void wb_input_deinit(struct wb_input *input);

/* "debug file missing", "file unverifiable", ...: what was wanted and why it was not had. */
enum { WB_INPUT_WANTED_SIZE = 128 };
void wb_input_wanted_text(const struct wb_wanted *wanted, char *text, size_t size);

/* Says which wanted files were not had, the most costly first, at most `max` of them. */
void wb_input_report_missing(struct wb_input *input, size_t max);

/* The whole of a file that need not tell its size (/proc); at most `limit` bytes. To be freed; NULL: said why. */
char *wb_input_read_file(struct wb_input *input, const char *path, size_t limit, size_t *ret_size);

#endif
