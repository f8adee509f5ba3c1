/* SPDX-License-Identifier: MIT */
/*
 * Questions that are there at the same time are answered together, by several threads where there are enough of them. Each thread has a
 * symbolizer and a buffer of its own; the answers are handed out in the order of the questions.
 */
#include "cmd_symbolize.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
	THREAD_MIN = 64,              /* questions that are worth a thread */
	ANSWER_EXPECTED = 1024,       /* bytes of memory set aside for an answer: more than most have, and what is not used is not touched */
};

/* Where the answer to a question is. */
struct wb_symbolize_place {
	const struct wb_symbolize_worker *worker;
	size_t offset;                /* in its buffer */
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

static enum wb_err give_answer(struct wb_symbolize_worker *worker, size_t index, const struct wb_site *sites, size_t count, const char *aliases)
{
	static const struct wb_site unknown = { .size = sizeof(unknown), .function_start = UINT64_MAX, .function_reason = WB_REASON_NO_SYMBOL,
	                                        .line_reason = WB_REASON_NO_UNIT };
	const struct wb_symbolize_batch *batch = worker->batch;
	const struct wb_symbolize_question *question = &batch->questions[index];

	batch->places[index] = (struct wb_symbolize_place){ worker, worker->answers.size };
	if (!question->is_in_range) {
		sites = &unknown;
		count = 1;
	}
	wb_symbolize_print(&worker->answers, batch->style, question, sites, count, aliases);
	wb_buffer_bytes(&worker->answers, "", 1);
	return worker->answers.failed ? WB_ERR_MEMORY : WB_OK;
}

/* The names are borrowed until the next call on the symbolizer, as sites are: one is asked for after the other. */
static enum wb_err answer_with_aliases(struct wb_symbolize_worker *worker, size_t index)
{
	const struct wb_symbolize_batch *batch = worker->batch;
	const struct wb_symbolize_question *question = &batch->questions[index];
	const struct wb_site *sites = NULL;
	const char *aliases = NULL;
	size_t count = 0;
	enum wb_err err = WB_OK;

	if (question->is_in_range)
		err = find_aliases(worker, question, &aliases);
	if (!err && question->is_in_range)
		err = wb_symbolize(worker->symbolizer, batch->image, question->address, WB_PC_EXACT, &sites, &count);
	return err ? err : give_answer(worker, index, sites, count, aliases);
}

static enum wb_err take_sites(void *arg, size_t index, const struct wb_site *sites, size_t count)
{
	struct wb_symbolize_worker *worker = arg;

	return worker->batch->style->aliases ? answer_with_aliases(worker, index) : give_answer(worker, index, sites, count, NULL);
}

/* ---- All of them ---- */

static void *work(void *arg)
{
	struct wb_symbolize_worker *worker = arg;

	worker->err = wb_symbolize_job_run(worker->batch->job, worker->symbolizer, take_sites, worker);
	return NULL;
}

/* Where the system has no further thread, the others do its part. */
static enum wb_err run_workers(struct wb_symbolize_batch *batch, unsigned wanted)
{
	pthread_t threads[WB_SYMBOLIZE_THREADS_MAX];
	unsigned started = 0;

	for (unsigned i = 0; i < batch->num_workers; i++) {
		wb_buffer_clear(&batch->workers[i].answers);
		batch->workers[i].err = WB_OK;
	}
	for (unsigned i = 0; i < wanted; i++)
		wb_buffer_expect(&batch->workers[i].answers, batch->count / wanted * ANSWER_EXPECTED);
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

enum wb_err wb_symbolize_batch_run(struct wb_symbolize_batch *batch)
{
	unsigned worthwhile = (unsigned)(batch->count / THREAD_MIN), wanted = worthwhile < batch->num_workers ? worthwhile : batch->num_workers;
	enum wb_err err;

	for (size_t i = 0; i < batch->count; i++)
		batch->addresses[i] = batch->questions[i].address;
	err = wb_symbolize_job_new(batch->image, batch->addresses, batch->count, WB_PC_EXACT, wanted, &batch->job);
	if (err)
		return err;
	err = run_workers(batch, wanted);
	wb_symbolize_job_free(batch->job);
	batch->job = NULL;
	return err;
}

const char *wb_symbolize_batch_answer(const struct wb_symbolize_batch *batch, size_t question)
{
	const struct wb_symbolize_place *place = &batch->places[question];

	return place->worker->answers.text + place->offset;
}
