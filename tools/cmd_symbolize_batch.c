/* SPDX-License-Identifier: MIT */
/*
 * Questions that are there at the same time are answered in the order of their addresses, so that a unit is compiled once and stays while it
 * is needed, and by several threads where there are enough of them. Each thread has a symbolizer and a buffer of its own; the answers are
 * handed out in the order of the questions.
 */
#include "cmd_symbolize.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
	THREAD_MIN = 64,              /* questions that are worth a thread */
	SHARES = 8,                   /* of a thread: small ones even out what questions cost, large ones keep neighbours together */
};

struct wb_symbolize_place {
	uint64_t address;
	size_t question;              /* places are sorted by address */
	size_t of_question;           /* the place of question i is at places[i].of_question */
	size_t offset;                /* of the answer in its worker's buffer */
	unsigned worker;
};

enum wb_err wb_symbolize_batch_init(struct wb_symbolize_batch *batch, struct wb_session *session, struct wb_image *image,
                                    const struct wb_symbolizer_opts *opts, const struct wb_symbolize_style *style, unsigned threads)
{
	*batch = (struct wb_symbolize_batch){ .style = style, .image = image };
	batch->questions = calloc(WB_SYMBOLIZE_BATCH_MAX, sizeof(*batch->questions));
	batch->places = calloc(WB_SYMBOLIZE_BATCH_MAX, sizeof(*batch->places));
	if (!batch->questions || !batch->places)
		return WB_ERR_MEMORY;
	for (unsigned i = 0; i < threads && i < WB_SYMBOLIZE_THREADS_MAX; i++) {
		enum wb_err err = wb_symbolizer_new(session, opts, &batch->workers[i].symbolizer);

		if (err)
			return err;
		batch->workers[i].batch = batch;
		batch->num_workers++;
	}
	return WB_OK;
}

void wb_symbolize_batch_deinit(struct wb_symbolize_batch *batch)
{
	for (unsigned i = 0; i < batch->num_workers; i++) {
		wb_symbolizer_free(batch->workers[i].symbolizer);
		wb_buffer_deinit(&batch->workers[i].answers);
		wb_buffer_deinit(&batch->workers[i].aliases);
	}
	free(batch->questions);
	free(batch->places);
	*batch = (struct wb_symbolize_batch){ .num_workers = 0 };
}

/* ---- One question ---- */

/* The names of the function, where there are several; NULL if there are not. */
static enum wb_err find_aliases(struct wb_symbolize_worker *worker, const struct wb_symbolize_question *question, const char **ret_text)
{
	const struct wb_symbolize_batch *batch = worker->batch;
	const struct wb_alias *aliases;
	size_t count;
	enum wb_err err;

	*ret_text = NULL;
	err = wb_symbol_aliases(worker->symbolizer, batch->image, question->address, WB_PC_EXACT, &aliases, &count);
	if (err == WB_ERR_MEMORY || err == WB_ERR_CANCELLED)
		return err;
	wb_buffer_clear(&worker->aliases);
	for (size_t i = 0; !err && count > 1 && i < count; i++)
		wb_symbolize_print_alias(&worker->aliases, batch->style, aliases[i].name);
	if (worker->aliases.size)
		*ret_text = worker->aliases.text;
	return worker->aliases.failed ? WB_ERR_MEMORY : WB_OK;
}

static enum wb_err answer(struct wb_symbolize_worker *worker, const struct wb_symbolize_question *question)
{
	static const struct wb_site unknown = { .size = sizeof(unknown), .function_start = UINT64_MAX, .function_reason = WB_REASON_NO_SYMBOL,
	                                        .line_reason = WB_REASON_NO_UNIT };
	const struct wb_symbolize_batch *batch = worker->batch;
	const struct wb_site *sites = &unknown;
	const char *aliases = NULL;
	size_t count = 1;
	enum wb_err err = WB_OK;

	if (question->is_in_range && batch->style->aliases)
		err = find_aliases(worker, question, &aliases);
	if (!err && question->is_in_range)
		err = wb_symbolize(worker->symbolizer, batch->image, question->address, WB_PC_EXACT, &sites, &count);
	if (!err)
		wb_symbolize_print(&worker->answers, batch->style, question, sites, count, aliases);
	return err || !worker->answers.failed ? err : WB_ERR_MEMORY;
}

/* ---- All of them ---- */

static int by_address(const void *left, const void *right)
{
	const struct wb_symbolize_place *a = left, *b = right;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	return a->question < b->question ? -1 : a->question > b->question;
}

static void sort_places(struct wb_symbolize_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		batch->places[i].address = batch->questions[i].address;
		batch->places[i].question = i;
	}
	qsort(batch->places, batch->count, sizeof(*batch->places), by_address);
	for (size_t i = 0; i < batch->count; i++)
		batch->places[batch->places[i].question].of_question = i;
}

static void *work(void *arg)
{
	struct wb_symbolize_worker *worker = arg;
	struct wb_symbolize_batch *batch = worker->batch;
	size_t share = batch->count / (batch->num_workers * SHARES) + 1;

	for (;;) {
		size_t first = atomic_fetch_add_explicit(&batch->next, share, memory_order_relaxed);

		for (size_t i = first; i < first + share && i < batch->count && !worker->err; i++) {
			struct wb_symbolize_place *place = &batch->places[i];

			place->worker = (unsigned)(worker - batch->workers);
			place->offset = worker->answers.size;
			worker->err = answer(worker, &batch->questions[place->question]);
			wb_buffer_bytes(&worker->answers, "", 1);
		}
		if (first + share >= batch->count || worker->err)
			return NULL;
	}
}

enum wb_err wb_symbolize_batch_run(struct wb_symbolize_batch *batch)
{
	pthread_t threads[WB_SYMBOLIZE_THREADS_MAX];
	unsigned started = 0, wanted = batch->num_workers;

	if (batch->count / THREAD_MIN < wanted)
		wanted = (unsigned)(batch->count / THREAD_MIN);
	sort_places(batch);
	atomic_store_explicit(&batch->next, 0, memory_order_relaxed);
	for (unsigned i = 0; i < batch->num_workers; i++) {
		wb_buffer_clear(&batch->workers[i].answers);
		batch->workers[i].err = WB_OK;
	}
	/* Where the system has no further thread, the others do its part. */
	while (started + 1 < wanted && !pthread_create(&threads[started], NULL, work, &batch->workers[started + 1]))
		started++;
	work(&batch->workers[0]);
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < batch->num_workers; i++)
		if (batch->workers[i].err)
			return batch->workers[i].err;
	return WB_OK;
}

const char *wb_symbolize_batch_answer(const struct wb_symbolize_batch *batch, size_t question)
{
	const struct wb_symbolize_place *place = &batch->places[batch->places[question].of_question];

	return batch->workers[place->worker].answers.text + place->offset;
}
