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
	batch->addresses = calloc(WB_SYMBOLIZE_BATCH_MAX, sizeof(*batch->addresses));
	if (!batch->questions || !batch->places || !batch->addresses)
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
	free(batch->addresses);
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

/* Prints the answer to the question at a place. */
static enum wb_err give_answer(struct wb_symbolize_worker *worker, size_t at, const struct wb_site *sites, size_t count, const char *aliases)
{
	static const struct wb_site unknown = { .size = sizeof(unknown), .function_start = UINT64_MAX, .function_reason = WB_REASON_NO_SYMBOL,
	                                        .line_reason = WB_REASON_NO_UNIT };
	const struct wb_symbolize_batch *batch = worker->batch;
	struct wb_symbolize_place *place = &batch->places[at];
	const struct wb_symbolize_question *question = &batch->questions[place->question];

	place->worker = (unsigned)(worker - batch->workers);
	place->offset = worker->answers.size;
	if (!question->is_in_range) {
		sites = &unknown;
		count = 1;
	}
	wb_symbolize_print(&worker->answers, batch->style, question, sites, count, aliases);
	wb_buffer_bytes(&worker->answers, "", 1);
	return worker->answers.failed ? WB_ERR_MEMORY : WB_OK;
}

/* With all names of the function: they are borrowed until the next call on the symbolizer, as sites are, so one is asked for after the other. */
static enum wb_err answer_with_aliases(struct wb_symbolize_worker *worker, size_t at)
{
	const struct wb_symbolize_batch *batch = worker->batch;
	const struct wb_symbolize_question *question = &batch->questions[batch->places[at].question];
	const struct wb_site *sites = NULL;
	const char *aliases = NULL;
	size_t count = 0;
	enum wb_err err = WB_OK;

	if (question->is_in_range)
		err = find_aliases(worker, question, &aliases);
	if (!err && question->is_in_range)
		err = wb_symbolize(worker->symbolizer, batch->image, question->address, WB_PC_EXACT, &sites, &count);
	return err ? err : give_answer(worker, at, sites, count, aliases);
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
	for (size_t i = 0; i < batch->count; i++) {
		batch->places[batch->places[i].question].of_question = i;
		batch->addresses[i] = batch->places[i].address;
	}
}

/* Places that one worker takes at once. */
struct share { struct wb_symbolize_worker *worker; size_t first; };

static enum wb_err take_answer(void *arg, size_t index, const struct wb_site *sites, size_t count)
{
	const struct share *share = arg;

	return give_answer(share->worker, share->first + index, sites, count, NULL);
}

static enum wb_err answer_share(struct wb_symbolize_worker *worker, size_t first, size_t count)
{
	struct wb_symbolize_batch *batch = worker->batch;
	struct share share = { worker, first };
	enum wb_err err = WB_OK;

	if (!batch->style->aliases)
		return wb_symbolize_many(worker->symbolizer, batch->image, &batch->addresses[first], count, WB_PC_EXACT, take_answer, &share);
	for (size_t i = first; !err && i < first + count; i++)
		err = answer_with_aliases(worker, i);
	return err;
}

/* Takes shares of a worker's region until nothing is left of it. */
static enum wb_err answer_region(struct wb_symbolize_worker *worker, struct wb_symbolize_worker *owner)
{
	struct wb_symbolize_batch *batch = worker->batch;
	size_t share = batch->count / (batch->num_workers * SHARES) + 1;
	enum wb_err err = WB_OK;

	while (!err) {
		size_t first = atomic_fetch_add_explicit(&owner->next, share, memory_order_relaxed);

		if (first >= owner->end)
			break;
		err = answer_share(worker, first, owner->end - first < share ? owner->end - first : share);
	}
	return err;
}

/* Its own region, then what is left of the others': side by side, threads would need the same units at the same time, and wait for each other. */
static void *work(void *arg)
{
	struct wb_symbolize_worker *worker = arg;
	struct wb_symbolize_batch *batch = worker->batch;
	size_t number = (size_t)(worker - batch->workers);

	for (size_t i = 0; i < batch->num_workers && !worker->err; i++)
		worker->err = answer_region(worker, &batch->workers[(number + i) % batch->num_workers]);
	return NULL;
}

enum wb_err wb_symbolize_batch_run(struct wb_symbolize_batch *batch)
{
	pthread_t threads[WB_SYMBOLIZE_THREADS_MAX];
	unsigned started = 0, wanted = batch->num_workers;

	if (batch->count / THREAD_MIN < wanted)
		wanted = (unsigned)(batch->count / THREAD_MIN);
	sort_places(batch);
	for (size_t i = 0; i < batch->num_workers; i++) {
		struct wb_symbolize_worker *worker = &batch->workers[i];

		atomic_store_explicit(&worker->next, batch->count * i / batch->num_workers, memory_order_relaxed);
		worker->end = batch->count * (i + 1) / batch->num_workers;
		wb_buffer_clear(&worker->answers);
		worker->err = WB_OK;
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
