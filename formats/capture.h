/* SPDX-License-Identifier: MIT */
/*
 * Capture formats: the table behind wb_capture_open and its family, and what a format is given to do its work.
 *
 * To add a capture format: write formats/capture_<name>.c with one `const struct wb_capture_format wb_capture_format_<name>`, declare it
 * below, put it in the table in registry.c (order matters only where two could claim the same bytes), list the file in meson.build.
 *
 * The dispatcher (capture.c) opens the input, reads its first bytes, asks the probes, copies the options, hands out samples one by one or
 * in batches, and remembers the end or the error, so a format only fills batches. It reports "not a capture"; all that a format finds
 * wrong inside, the format reports itself (wb_diag_report with input->name).
 */
#ifndef FORMATS_CAPTURE_H
#define FORMATS_CAPTURE_H

#include <walkback/formats.h>

#include "base/diag.h"
#include "base/file.h"

#include <stdbool.h>

enum { WB_CAPTURE_HEAD_SIZE = 512 };

/* Where a capture comes from. Owned by the dispatcher; lives longer than the format's state and every batch. */
struct wb_capture_input {
	struct wb_session *session;
	const char *name;             /* path, or the caller's name: for messages */
	struct wb_file *file;         /* a regular file or bytes; NULL for folders and streams */
	wb_read_fn read;              /* streams; NULL otherwise */
	void *read_arg;
	uint8_t head[WB_CAPTURE_HEAD_SIZE]; /* the first bytes; a stream goes on after them */
	size_t head_size;             /* less than the array only if the input ends there */
	struct wb_capture_opts opts;  /* complete, own copies; max_memory has its default filled in; the kernel image is referenced */
};

/* Whether the options let a sample of this process and thread through. */
bool wb_capture_wants(const struct wb_capture_input *input, uint32_t pid, uint32_t tid);
/* Whether they let an event of this name through. */
bool wb_capture_wants_event(const struct wb_capture_input *input, const char *name);

/* A batch that is being filled: items, and what keeps them valid until wb_batch_free (any thread, also after wb_capture_free). */
struct wb_capture_batch;

/* Memory that lives as long as the batch, aligned for anything; NULL when out of memory. Not zeroed. Cheap: taken from large blocks. */
void *wb_capture_batch_alloc(struct wb_capture_batch *batch, size_t size);
/* Takes arg: release(arg) runs once, from wb_batch_free or right here when this fails. */
enum wb_err wb_capture_batch_pin(struct wb_capture_batch *batch, void (*release)(void *arg), void *arg);
/* References the space for as long as the batch lives. Needed once per space and batch. */
enum wb_err wb_capture_batch_pin_space(struct wb_capture_batch *batch, struct wb_space *space);
/* Appends an item. sample is from wb_capture_batch_alloc (or pinned otherwise), space is pinned. */
enum wb_err wb_capture_batch_add(struct wb_capture_batch *batch, struct wb_space *space, const struct wb_sample *sample);
size_t wb_capture_batch_count(const struct wb_capture_batch *batch);

struct wb_capture_format {
	const char *name;             /* as wb_capture_info gives it */
	/* Whether the first bytes of a file or stream are of this format. NULL: files never are. */
	bool (*probe)(const uint8_t *head, size_t size);
	/* WB_OK: the folder is of this format; WB_NONE; WB_ERR_MEMORY. NULL: folders never are. */
	enum wb_err (*probe_folder)(const char *path);
	/* Reads what must be known before the first sample. input is borrowed until free. */
	enum wb_err (*open)(struct wb_capture_input *input, void **ret_state);
	/* Adds samples until the batch has `max` of them (never more). WB_OK: go on later; WB_NONE: that was the end; an error: the rest cannot
	 * be read. Items that were added count in all three cases: the dispatcher gives them out first. Not called again after the end. */
	enum wb_err (*fill)(void *state, size_t max, struct wb_capture_batch *batch);
	/* Fills what it knows of a zeroed *info; size and format are the dispatcher's. */
	enum wb_err (*info)(void *state, struct wb_capture_info *info);
	void (*free)(void *state);    /* NULL is fine */
};

/* All of them, in the order of their probes; ends with NULL. */
extern const struct wb_capture_format *const wb_capture_formats[];

extern const struct wb_capture_format wb_capture_format_core;
extern const struct wb_capture_format wb_capture_format_minidump;
extern const struct wb_capture_format wb_capture_format_perf;
extern const struct wb_capture_format wb_capture_format_snapshot;

#endif
