/* SPDX-License-Identifier: MIT */
/*
 * One thread's share of a run: a walker, a symbolizer and a part of the sink. Frames that were seen before are not symbolized again: the
 * worker remembers which number the part gave to an address of an image.
 */
#ifndef FORMATS_RUN_WORKER_H
#define FORMATS_RUN_WORKER_H

#include <walkback/formats.h>

#include "formats/sink.h"

/* What leaving out wrappers asks of a frame. */
enum wb_run_traits {
	WB_RUN_WRAPPER = 1,           /* nothing but a wrapper that Go's compiler made */
	WB_RUN_PANIC = 2,             /* of Go's runtime, whose caller is shown though it were a wrapper */
};

/* What the part calls a frame, by where it is in its image. */
struct wb_run_known {
	uint64_t image_key;           /* image id and the flags that matter; 0: free */
	uint64_t image_pc;            /* 0 for frames without one */
	uint64_t repeats;             /* frames after the first */
	uint32_t id;
	uint16_t sites;
	uint8_t missed;               /* 1 + enum wb_file_role of the file without which it stayed; 0: none */
	uint8_t traits;               /* enum wb_run_traits */
};

struct wb_run_worker {
	struct wb_session *session;   /* borrowed */
	struct wb_walker *walker;
	struct wb_symbolizer *symbolizer; /* NULL: raw addresses */
	bool no_wrappers;             /* leave out frames of wrappers */
	struct wb_sink_part *part;    /* not owned */
	struct wb_frame *frames;
	size_t frames_capacity;
	uint32_t *ids;
	size_t ids_capacity;
	struct wb_run_known *known;   /* open addressing; at most half full */
	size_t num_known, known_size;
	size_t known_limit;           /* past it all is forgotten; so is what the part holds */
	struct wb_run_stats stats;
};

/* opts is complete. The part is borrowed as long as the worker. */
enum wb_err wb_run_worker_init(struct wb_run_worker *worker, struct wb_session *session, const struct wb_run_opts *opts,
                               struct wb_sink_part *part);
void wb_run_worker_deinit(struct wb_run_worker *worker);
/* Walks, names and writes one sample. */
enum wb_err wb_run_worker_sample(struct wb_run_worker *worker, struct wb_space *space, const struct wb_sample *sample, const char *event);
void wb_run_stats_add(struct wb_run_stats *stats, const struct wb_run_stats *other);

#endif
