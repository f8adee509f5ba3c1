/* SPDX-License-Identifier: MIT */
/* Reads a whole capture out of bytes, as a file or as a stream, and keeps what tests compare: samples, diagnostics, the end. */
#ifndef TESTS_UNIT_CAPTURE_READER_H
#define TESTS_UNIT_CAPTURE_READER_H

#include "test.h"

#include <walkback/walkback.h>

#include "base/mem.h"

enum { READER_SAMPLES = 512, READER_GIVEN = 12 };

struct reader_sample {
	uint64_t time, weight, flags;
	uint32_t pid, tid, event, cpu;
	char comm[32];
	uint64_t num_regs, pc, sp;    /* of the context; sp: DWARF register 7 or 4 */
	uint64_t region, region_size;
	uint32_t region_sum;          /* of its bytes: touches them all */
	size_t num_given;
	struct wb_given given[READER_GIVEN];
};

struct reader {
	struct wb_session *session;
	struct wb_capture *capture;
	const uint8_t *bytes;
	size_t size, at, step;        /* of the stream; step: bytes given per call */
	unsigned diags;               /* errors and warnings */
	char diag[512];               /* the last one */
	enum wb_err opened, end;
	size_t count;
	struct reader_sample samples[READER_SAMPLES];
};

static inline void reader_diag(void *arg, const struct wb_diag *diag)
{
	struct reader *r = arg;

	if (diag->severity == WB_SEVERITY_NOTE)
		return;
	r->diags++;
	wb_diag_format(diag, r->diag, sizeof(r->diag));
}

static inline enum wb_err reader_read(void *arg, void *buffer, size_t count, size_t *ret_got)
{
	struct reader *r = arg;
	size_t left = r->size - r->at, n = left < count ? left : count;

	n = n < r->step ? n : r->step;
	memcpy(buffer, r->bytes + r->at, n);
	r->at += n;
	*ret_got = n;
	return WB_OK;
}

/* step 0: from bytes; else from a stream that gives at most step bytes at a time. */
static inline void reader_open(struct reader *r, const void *bytes, size_t size, size_t step, const struct wb_capture_opts *opts)
{
	struct wb_session_opts session_opts = { .size = sizeof(session_opts), .diag = reader_diag, .diag_arg = r };

	memset(r, 0, sizeof(*r));
	r->bytes = bytes;
	r->size = size;
	r->step = step;
	r->end = WB_OK;
	if (wb_session_new(&session_opts, &r->session) != WB_OK)
		abort();
	r->opened = step ? wb_capture_open_stream(r->session, "test", reader_read, r, opts, &r->capture) :
			   wb_capture_open_bytes(r->session, "test", bytes, size, opts, &r->capture);
}

static inline void reader_close(struct reader *r)
{
	wb_capture_free(r->capture);
	wb_session_free(r->session);
	r->capture = NULL;
	r->session = NULL;
}

static inline void reader_copy_context(struct reader_sample *to, const struct wb_context *context)
{
	to->num_regs = context->num_regs;
	for (size_t i = 0; i < context->num_regs; i++) {
		if (context->regs[i].number == WB_REG_PC)
			to->pc = context->regs[i].value;
		/* rsp, or esp where the numbers are those of x86. */
		if (context->regs[i].number == (context->num_regs > 12 ? 7 : 4))
			to->sp = context->regs[i].value;
	}
}

static inline void reader_copy(struct reader_sample *to, const struct wb_sample *from)
{
	*to = (struct reader_sample){ .time = from->time_ns, .weight = from->weight, .flags = from->flags, .pid = from->pid, .tid = from->tid,
				      .event = from->event, .cpu = from->cpu, .num_given = from->num_given };
	snprintf(to->comm, sizeof(to->comm), "%s", from->comm);
	if (from->num_contexts)
		reader_copy_context(to, &from->contexts[0]);
	if (from->num_regions) {
		const uint8_t *bytes = from->regions[0].bytes;

		to->region = from->regions[0].address;
		to->region_size = from->regions[0].size;
		for (size_t i = 0; i < from->regions[0].size; i++)
			to->region_sum += bytes[i];
	}
	for (size_t i = 0; i < from->num_given && i < READER_GIVEN; i++)
		to->given[i] = from->given[i];
}

/* Reads to the end in batches, or one by one when batch is 0. */
static inline void reader_read_all(struct reader *r, size_t batch)
{
	r->end = r->opened;
	while (r->end == WB_OK) {
		const struct wb_sample *sample;
		struct wb_space *space;
		struct wb_batch *items;

		if (!batch) {
			r->end = wb_capture_next(r->capture, &space, &sample);
			if (r->end == WB_OK && r->count < READER_SAMPLES)
				reader_copy(&r->samples[r->count++], sample);
			continue;
		}
		r->end = wb_capture_next_batch(r->capture, batch, &items);
		if (r->end != WB_OK)
			break;
		for (size_t i = 0; i < items->count && r->count < READER_SAMPLES; i++)
			reader_copy(&r->samples[r->count++], items->items[i].sample);
		wb_batch_free(items);
	}
}

static inline void reader_run(struct reader *r, const void *bytes, size_t size, size_t step, const struct wb_capture_opts *opts)
{
	reader_open(r, bytes, size, step, opts);
	reader_read_all(r, 0);
}

/* Whether the first `count` samples of both are the same. */
static inline bool reader_same(const struct reader *a, const struct reader *b, size_t count)
{
	return a->count >= count && b->count >= count && !memcmp(a->samples, b->samples, count * sizeof(a->samples[0]));
}

/* Fails the nth allocation of opening and reading, and all after it, for every n: that must be said, and nothing else go wrong. */
static inline void reader_fail_everywhere(struct reader *r, const void *bytes, size_t size)
{
	for (uint64_t nth = 1, done = 0; !done; nth++) {
		reader_open(r, bytes, 0, 0, NULL); /* for its session */
		wb_mem_fail_at(nth, true);
		r->opened = wb_capture_open_bytes(r->session, "test", bytes, size, NULL, &r->capture);
		reader_read_all(r, 3);
		done = wb_mem_count() < nth;
		wb_mem_fail_at(0, false);
		if (!done)
			CHECK(r->end == WB_ERR_MEMORY || r->end == WB_ERR_UNSUPPORTED);
		reader_close(r);
	}
}

#endif
