/* SPDX-License-Identifier: MIT */
/*
 * Names for addresses of any object file, with a second file that finders give out for its debug, supplementary, split and symbol files. The input is the
 * object's size (two bytes, little-endian), choices (see below), the object, the second file. Answers are whole: every unknown has a reason, inlined calls
 * come before what they are in; and they are the same again, for a return address, one of many, after other addresses, and with hardly any memory.
 */
#include <walkback/walkback.h>

#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

enum {
	ROLES = 5,                    /* the low bits: which of the roles from WB_FILE_DEBUG on have the second file */
	CHOICE_RAW = 32, CHOICE_SYMTAB = 64, CHOICE_UNTRUSTED = 128,
	DETAIL = 3, POLICY = 4,       /* the second byte: bits 0 and 1, bit 2 */
	SECTIONS_MAX = 8, PROBES_MAX = 12, /* of a section */
	SITES_MAX = 1 << 16,
	TEXT_MAX = 1 << 20,
};

struct file { const uint8_t *bytes; size_t size; struct wb_source source; };

struct input { struct file object, second; uint8_t choices, more; };

static enum wb_err read_file(void *arg, uint64_t offset, void *buffer, size_t count, size_t *ret_got)
{
	const struct file *file = arg;
	size_t left = offset < file->size ? file->size - (size_t)offset : 0;

	*ret_got = count < left ? count : left;
	if (*ret_got)
		memcpy(buffer, file->bytes + offset, *ret_got);
	return WB_OK;
}

static enum wb_err find_second(void *arg, const struct wb_file_query *query, size_t nth, struct wb_candidate *ret_candidate)
{
	struct input *in = arg;

	if (nth || query->role == WB_FILE_EXECUTABLE || !(in->choices >> (query->role - WB_FILE_DEBUG) & 1))
		return WB_NONE;
	in->second.source = (struct wb_source){ .size = sizeof(in->second.source), .length = in->second.size, .arg = &in->second, .read = read_file };
	strcpy(ret_candidate->path, "second");
	ret_candidate->source = &in->second.source;
	ret_candidate->forced = !(in->choices & CHOICE_UNTRUSTED);
	ret_candidate->on_host = 0;
	return WB_OK;
}

/* ---- One answer ---- */

static uint64_t sum_number(uint64_t sum, uint64_t number)
{
	return (sum ^ number) * UINT64_C(0x100000001b3);
}

static uint64_t sum_text(uint64_t sum, const char *text)
{
	if (!text)
		return sum_number(sum, 0x100);
	for (size_t i = 0; text[i]; i++) {
		FUZZ_ASSERT(i < TEXT_MAX);
		sum = sum_number(sum, (uint8_t)text[i]);
	}
	return sum_number(sum, 0x101);
}

static uint64_t sum_of(const struct wb_site *sites, size_t count)
{
	uint64_t sum = count;

	FUZZ_ASSERT(count >= 1 && count <= SITES_MAX);
	for (size_t i = 0; i < count; i++) {
		const struct wb_site *site = &sites[i];

		FUZZ_ASSERT(site->size == sizeof(*site) && site->inlined == (i + 1 < count) && site->call_depth == count - 1 - i);
		FUZZ_ASSERT((site->function == NULL) == (site->function_reason != WB_REASON_NONE));
		FUZZ_ASSERT((site->function == NULL) == (site->name_source == WB_NAME_NONE));
		FUZZ_ASSERT(site->line_reason != WB_REASON_NONE || (site->file && site->line));
		sum = sum_text(sum_text(sum_text(sum, site->function), site->linkage_name), site->file);
		sum = sum_number(sum_number(sum_number(sum, site->line), site->column), site->function_start);
		sum = sum_number(sum_number(sum, site->function_size), (uint64_t)site->line_reason << 8 | site->function_reason);
	}
	return sum;
}

static enum wb_err ask(struct wb_symbolizer *symbolizer, struct wb_image *image, uint64_t image_pc, enum wb_pc_kind kind, uint64_t *ret_sum)
{
	const struct wb_site *sites;
	size_t count;
	enum wb_err err = wb_symbolize(symbolizer, image, image_pc, kind, &sites, &count);

	if (!err)
		*ret_sum = sum_of(sites, count);
	return err;
}

static void check_aliases(struct wb_symbolizer *symbolizer, struct wb_image *image, uint64_t image_pc)
{
	const struct wb_alias *aliases;
	uint64_t start, size;
	size_t count;
	char *name;

	if (wb_symbol_aliases(symbolizer, image, image_pc, WB_PC_EXACT, &aliases, &count) != WB_OK)
		return;
	FUZZ_ASSERT(count >= 1);
	for (size_t i = 0; i < count; i++)
		FUZZ_ASSERT(aliases[i].size == sizeof(aliases[i]) && aliases[i].name && aliases[i].linkage_name);
	name = strdup(aliases[0].linkage_name);
	FUZZ_ASSERT(name);
	/* Of several symbols of a name one is found; none is not an answer. */
	FUZZ_ASSERT(wb_symbol_find(symbolizer, image, name, &start, &size) == WB_OK);
	free(name);
}

/* ---- All of them ---- */

struct probes {
	uint64_t at[SECTIONS_MAX * PROBES_MAX], sums[SECTIONS_MAX * PROBES_MAX];
	enum wb_err errs[SECTIONS_MAX * PROBES_MAX];
	size_t count;
};

static void make_probes(struct wb_image *image, struct probes *probes)
{
	struct wb_section_info info = { .size = sizeof(info) };

	probes->count = 0;
	for (size_t i = 0, used = 0; used < SECTIONS_MAX && i < 1000 && wb_image_section_info(image, i, &info) == WB_OK; i++) {
		uint64_t step = (info.end - info.start) / PROBES_MAX;

		FUZZ_ASSERT(info.name && info.start <= info.end);
		used += info.executable;
		for (uint64_t k = 0; info.executable && k < PROBES_MAX; k++)
			probes->at[probes->count++] = info.start + k * (step ? step : 1);
	}
}

static enum wb_err check_one_of_many(void *arg, size_t index, const struct wb_site *sites, size_t count)
{
	const struct probes *probes = arg;

	FUZZ_ASSERT(index < probes->count && probes->sums[index] == sum_of(sites, count));
	return WB_OK;
}

/* As for two threads, of which one comes. */
static void check_job(struct wb_symbolizer *symbolizer, struct wb_image *image, struct probes *probes)
{
	struct wb_symbolize_job *job;

	FUZZ_ASSERT(wb_symbolize_job_new(image, probes->at, probes->count, WB_PC_EXACT, 2, &job) == WB_OK);
	FUZZ_ASSERT(wb_symbolize_job_run(job, symbolizer, check_one_of_many, probes) == WB_OK);
	wb_symbolize_job_free(job);
}

static void check_answers(struct wb_symbolizer *symbolizer, struct wb_image *image, struct probes *probes)
{
	bool all = true;

	for (size_t i = 0; i < probes->count; i++) {
		probes->errs[i] = ask(symbolizer, image, probes->at[i], WB_PC_EXACT, &probes->sums[i]);
		FUZZ_ASSERT(probes->errs[i] != WB_ERR_ARGUMENT && probes->errs[i] != WB_ERR_ABI);
		all = all && !probes->errs[i];
	}
	for (size_t i = probes->count; i-- > 0;) {
		uint64_t sum = 0;

		FUZZ_ASSERT(ask(symbolizer, image, probes->at[i] + 1, WB_PC_RETURN, &sum) == probes->errs[i]);
		FUZZ_ASSERT(probes->errs[i] || sum == probes->sums[i]);
		if (i % 4 == 0)
			check_aliases(symbolizer, image, probes->at[i]);
	}
	if (!all)
		return;
	FUZZ_ASSERT(wb_symbolize_many(symbolizer, image, probes->at, probes->count, WB_PC_EXACT, check_one_of_many, probes) == WB_OK);
	check_job(symbolizer, image, probes);
}

static bool answer(struct input *in, uint64_t cache_bytes, struct probes *probes)
{
	struct wb_session_opts opts = { .size = sizeof(opts), .cache_bytes = cache_bytes, .dwarf = in->more & POLICY ? WB_DWARF_BOTH : WB_DWARF_FAST };
	struct wb_symbolizer_opts how = { .size = sizeof(how), .detail = (uint8_t)((in->more & DETAIL) % 3), .raw_names = !!(in->choices & CHOICE_RAW),
	                                  .symtab_only = !!(in->choices & CHOICE_SYMTAB) };
	struct wb_symbolizer *symbolizer = NULL;
	struct wb_session *session = NULL;
	struct wb_image *image = NULL;
	enum wb_err err;

	FUZZ_ASSERT(wb_session_new(&opts, &session) == WB_OK);
	FUZZ_ASSERT(wb_session_add_finder(session, find_second, in, NULL) == WB_OK);
	FUZZ_ASSERT(wb_symbolizer_new(session, &how, &symbolizer) == WB_OK);
	err = wb_image_open_bytes(session, "object", in->object.bytes, in->object.size, 0, NULL, NULL, &image);
	if (!err) {
		make_probes(image, probes);
		check_answers(symbolizer, image, probes);
	}
	wb_image_unref(image);
	wb_symbolizer_free(symbolizer);
	wb_session_free(session);
	return !err;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct probes roomy, cramped;
	struct input in;

	if (size < 4)
		return 0;
	in.object.size = (size_t)bytes[0] | (size_t)bytes[1] << 8;
	if (in.object.size > size - 4)
		in.object.size = size - 4;
	in.choices = bytes[2];
	in.more = bytes[3];
	in.object.bytes = bytes + 4;
	in.second = (struct file){ .bytes = bytes + 4 + in.object.size, .size = size - 4 - in.object.size };
	if (!answer(&in, 0, &roomy))
		return 0;
	FUZZ_ASSERT(answer(&in, 1, &cramped));
	FUZZ_ASSERT(roomy.count == cramped.count && !memcmp(roomy.sums, cramped.sums, roomy.count * sizeof(roomy.sums[0])));
	return 0;
}
