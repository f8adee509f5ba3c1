/* SPDX-License-Identifier: MIT */
/* The parts of `walkback symbolize`: how answers look, and answering many questions at a time. */
#ifndef TOOLS_CMD_SYMBOLIZE_H
#define TOOLS_CMD_SYMBOLIZE_H

#include <walkback/symbolize.h>

#include "buffer.h"

#include <stdbool.h>

/* ---- How answers look (cmd_symbolize_print.c) ---- */

enum wb_symbolize_format { WB_SYMBOLIZE_GNU, WB_SYMBOLIZE_LLVM, WB_SYMBOLIZE_JSON };

struct wb_symbolize_style {
	enum wb_symbolize_format format;
	bool addresses, functions, inlines, pretty, basenames;
	bool reasons;                 /* why something is unknown */
	bool aliases;                 /* all names of the outermost function */
	unsigned digits;              /* of an address, in GNU's format */
	const char *object;
};

struct wb_symbolize_question {
	const char *text;             /* as asked */
	uint64_t address;             /* in the object */
	uint64_t shown;               /* as asked for: offset in a section; 0 if it is no address */
	bool is_address;              /* an address, or a symbol that there is */
	bool is_in_range;             /* of the section; there is nothing to look up otherwise */
};

/* Appends the answer. aliases: text that wb_symbolize_alias made, or NULL. */
void wb_symbolize_print(struct wb_buffer *buffer, const struct wb_symbolize_style *style, const struct wb_symbolize_question *question,
                        const struct wb_site *sites, size_t count, const char *aliases);
/* Appends one of several names to the text for wb_symbolize_print. */
void wb_symbolize_print_alias(struct wb_buffer *buffer, const struct wb_symbolize_style *style, const char *name);

/* ---- Many questions (cmd_symbolize_batch.c) ---- */

enum { WB_SYMBOLIZE_BATCH_MAX = 8192, WB_SYMBOLIZE_THREADS_MAX = 64 };

struct wb_symbolize_worker {
	struct wb_symbolize_batch *batch;
	struct wb_symbolizer *symbolizer;
	struct wb_buffer answers, aliases;
	enum wb_err err;
};

struct wb_symbolize_batch {
	const struct wb_symbolize_style *style;
	struct wb_image *image;
	struct wb_symbolize_worker workers[WB_SYMBOLIZE_THREADS_MAX];
	unsigned num_workers;
	struct wb_symbolize_question *questions; /* the caller's, up to WB_SYMBOLIZE_BATCH_MAX */
	size_t count;
	struct wb_symbolize_place *places; /* of their answers */
	uint64_t *addresses;
	struct wb_symbolize_job *job; /* under way */
};

/* session, image and style are borrowed until _deinit, which takes a zeroed batch too. threads: at least 1, the caller's counted. */
enum wb_err wb_symbolize_batch_init(struct wb_symbolize_batch *batch, struct wb_session *session, struct wb_image *image,
                                    const struct wb_symbolizer_opts *opts, const struct wb_symbolize_style *style, unsigned threads);
void wb_symbolize_batch_deinit(struct wb_symbolize_batch *batch);
/* Answers the questions, in as many threads as are worth it. */
enum wb_err wb_symbolize_batch_run(struct wb_symbolize_batch *batch);
/* The answer to a question, whatever the number of threads; borrowed until the next run. */
const char *wb_symbolize_batch_answer(const struct wb_symbolize_batch *batch, size_t question);

#endif
