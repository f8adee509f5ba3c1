/* SPDX-License-Identifier: MIT */
/* walkback audit of an object: its functions that break the walks of others, who calls them, and what a bad value in the frame pointer has to do with them. */
#include "cmd_audit.h"

#include "names.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	FINDINGS_MAX = 65536, CALLS_MAX = 65536, /* of an image: more are not read by anybody */
	CALLS_SHOWN = 8, FINDINGS_SHOWN = 8, /* of a function, in text */
	WRAPPERS = 2,                 /* around a function of Go: from another package, by an interface */
	MODULE_MAX = 512,
};

static bool grow(void **items, size_t *capacity, size_t count, size_t size)
{
	size_t wanted = *capacity ? *capacity * 2 : 64;
	void *more;

	if (count < *capacity)
		return true;
	more = realloc(*items, wanted * size);
	if (!more)
		return false;
	*items = more;
	*capacity = wanted;
	return true;
}

void wb_audit_line(struct wb_audit *audit)
{
	wb_buffer_text(&audit->line, "\n");
	if (audit->line.text)
		wb_output_text(&audit->output, audit->line.text);
	wb_buffer_clear(&audit->line);
}

void wb_audit_place(struct wb_audit *audit, struct wb_image *image, uint64_t image_pc)
{
	wb_names_image(&audit->line, audit->symbolizer, image, image_pc, audit->json);
}

void wb_audit_findings_deinit(struct wb_audit_findings *findings)
{
	wb_image_unref(findings->image);
	free(findings->items);
	free(findings->calls);
}

/* ---- Finding ---- */

static enum wb_err add_finding(void *arg, const struct wb_finding *finding)
{
	struct wb_audit_findings *f = arg;

	if (f->count == FINDINGS_MAX)
		return WB_NONE;
	if (!grow((void **)&f->items, &f->capacity, f->count, sizeof(*finding)))
		return WB_ERR_MEMORY;
	f->items[f->count++] = *finding;
	return WB_OK;
}

/* Functions whose callers are looked for: those with findings, in the order of addresses, then wrappers that call them. */
struct targets { struct wb_audit_findings *findings; size_t first_call; };

static bool has_finding(const struct wb_audit_findings *f, uint64_t start)
{
	size_t low = 0, high = f->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (f->items[middle].start < start)
			low = middle + 1;
		else
			high = middle;
	}
	return low < f->count && f->items[low].start == start;
}

static bool is_listed(const struct wb_audit_findings *f, size_t count, uint64_t start)
{
	for (size_t i = 0; i < count; i++)
		if (f->calls[i].start == start)
			return true;
	return false;
}

static enum wb_err add_call(void *arg, const struct wb_code_call *call)
{
	struct targets *targets = arg;
	struct wb_audit_findings *f = targets->findings;
	bool is_wanted = targets->first_call ? is_listed(f, targets->first_call, call->target) : has_finding(f, call->target);

	if (!is_wanted)
		return WB_OK;
	if (f->num_calls == CALLS_MAX)
		return WB_NONE;
	if (!grow((void **)&f->calls, &f->calls_capacity, f->num_calls, sizeof(*call)))
		return WB_ERR_MEMORY;
	f->calls[f->num_calls++] = *call;
	return WB_OK;
}

/* The compiler's wrappers are no callers that anybody wrote: only they are followed further. */
static bool is_wrapper(struct wb_audit *audit, struct wb_image *image, uint64_t start)
{
	const struct wb_site *sites;
	size_t count;

	return wb_symbolize(audit->symbolizer, image, start, WB_PC_EXACT, &sites, &count) == WB_OK && sites[count - 1].is_wrapper;
}

static enum wb_err find_calls(struct wb_audit *audit, struct wb_audit_findings *f)
{
	struct targets targets = { f, 0 };
	enum wb_err err = f->count ? wb_list_calls(audit->input.session, f->image, UINT64_MAX, add_call, &targets) : WB_OK;

	for (int i = 0; i < WRAPPERS && !err && f->num_calls > targets.first_call; i++) {
		size_t wrappers = 0;

		targets.first_call = f->num_calls;
		for (size_t k = 0; k < f->num_calls; k++)
			wrappers += is_wrapper(audit, f->image, f->calls[k].start);
		if (!wrappers)
			break;
		err = wb_list_calls(audit->input.session, f->image, UINT64_MAX, add_call, &targets);
	}
	return err == WB_NONE ? WB_OK : err;
}

enum wb_err wb_audit_find(struct wb_audit *audit, struct wb_image *image, struct wb_audit_findings *ret_findings)
{
	struct wb_audit_findings f = { .image = wb_image_ref(image) };
	enum wb_err err = wb_audit_image(audit->input.session, image, add_finding, &f);

	if (err == WB_NONE)
		err = WB_OK;
	if (!err)
		err = find_calls(audit, &f);
	if (err) {
		wb_audit_findings_deinit(&f);
		return err;
	}
	*ret_findings = f;
	return WB_OK;
}

/* ---- Printing ---- */

static const char *reg_name(struct wb_audit *audit, struct wb_image *image, uint32_t reg)
{
	struct wb_image_info info = { .size = sizeof(info) };
	const char *name = NULL;

	(void)audit;
	if (wb_image_info(image, &info) == WB_OK)
		name = wb_reg_name(info.platform.arch, reg);
	return name ? name : "a register";
}

static const char *kind_text(enum wb_finding_kind kind)
{
	switch (kind) {
	case WB_FINDING_FP_CLOBBERED: return "frame-pointer";
	case WB_FINDING_FP_SLOT: return "frame-pointer-slot";
	case WB_FINDING_TABLE: return "table";
	case WB_FINDING_VALUE: return "value";
	}
	return "unknown";
}

static void put_what(struct wb_audit *audit, struct wb_image *image, const struct wb_finding *finding)
{
	struct wb_buffer *line = &audit->line;

	switch (finding->kind) {
	case WB_FINDING_FP_CLOBBERED:
		if (finding->has_value)
			wb_buffer_format(line, "writes 0x%" PRIx64 " to the frame pointer, which it never saved", finding->value);
		else
			wb_buffer_text(line, "writes the frame pointer, which it never saved");
		break;
	case WB_FINDING_FP_SLOT:
		wb_buffer_format(line, "stores %s over the frame pointer that its caller saved below SP", reg_name(audit, image, finding->reg));
		break;
	case WB_FINDING_TABLE:
		wb_buffer_format(line, "its unwind table has the CFA at SP%+" PRId64 ", its instructions have it at SP%+" PRId64, finding->told, finding->done);
		break;
	case WB_FINDING_VALUE:
		wb_buffer_format(line, "puts 0x%" PRIx64 " into %s", finding->value, reg_name(audit, image, finding->reg));
		break;
	}
}

/* "example.com/fast@v1.2.3", or "" where nothing tells. */
static void module_of(struct wb_audit *audit, struct wb_image *image, uint64_t start, char module[MODULE_MAX])
{
	const struct wb_site *sites;
	size_t count;

	module[0] = '\0';
	if (wb_symbolize(audit->symbolizer, image, start, WB_PC_EXACT, &sites, &count) != WB_OK || !sites[count - 1].linkage_name ||
	    wb_go_module(image, sites[count - 1].linkage_name, module, MODULE_MAX) != WB_OK)
		module[0] = '\0';
}

static void print_finding_json(struct wb_audit *audit, struct wb_image *image, const struct wb_finding *finding)
{
	struct wb_buffer *line = &audit->line;
	char module[MODULE_MAX];

	module_of(audit, image, finding->start, module);
	wb_buffer_format(line, "{\"type\":\"finding\",\"kind\":\"%s\",\"image_pc\":\"0x%" PRIx64 "\",\"start\":\"0x%" PRIx64 "\",\"end\":\"0x%" PRIx64 "\"",
	                 kind_text(finding->kind), finding->at, finding->start, finding->end);
	if (finding->has_value)
		wb_buffer_format(line, ",\"value\":\"0x%" PRIx64 "\"", finding->value);
	if (finding->kind == WB_FINDING_FP_SLOT || finding->kind == WB_FINDING_VALUE)
		wb_buffer_format(line, ",\"register\":\"%s\"", reg_name(audit, image, finding->reg));
	if (finding->kind == WB_FINDING_TABLE)
		wb_buffer_format(line, ",\"told\":%" PRId64 ",\"done\":%" PRId64, finding->told, finding->done);
	if (*module) {
		wb_buffer_text(line, ",\"module\":");
		wb_buffer_json(line, module);
	}
	wb_audit_place(audit, image, finding->at);
	wb_buffer_text(line, "}");
	wb_audit_line(audit);
}

static void print_call_json(struct wb_audit *audit, struct wb_image *image, const struct wb_code_call *call)
{
	wb_buffer_format(&audit->line, "{\"type\":\"call\",\"image_pc\":\"0x%" PRIx64 "\",\"target\":\"0x%" PRIx64 "\"", call->at, call->target);
	wb_audit_place(audit, image, call->at);
	wb_buffer_text(&audit->line, "}");
	wb_audit_line(audit);
}

/* Calls of a function; those of a wrapper stand for the calls of what it wraps. */
static void print_calls(struct wb_audit *audit, const struct wb_audit_findings *f, uint64_t target, unsigned depth)
{
	size_t shown = 0, count = 0;

	for (size_t i = 0; i < f->num_calls; i++) {
		const struct wb_code_call *call = &f->calls[i];

		if (call->target != target)
			continue;
		if (depth < WRAPPERS && is_wrapper(audit, f->image, call->start)) {
			print_calls(audit, f, call->start, depth + 1);
			continue;
		}
		count++;
		if (shown == CALLS_SHOWN)
			continue;
		shown++;
		wb_buffer_format(&audit->line, "%s  called at 0x%" PRIx64 " by ", audit->indent, call->at);
		wb_audit_place(audit, f->image, call->at);
		wb_audit_line(audit);
	}
	if (count > shown)
		wb_output_format(&audit->output, "%s  and called at %zu other places\n", audit->indent, count - shown);
}

static void print_function(struct wb_audit *audit, struct wb_image *image, uint64_t start)
{
	char module[MODULE_MAX];

	module_of(audit, image, start, module);
	wb_buffer_text(&audit->line, audit->indent);
	wb_audit_place(audit, image, start);
	if (*module) {
		wb_buffer_text(&audit->line, " of ");
		wb_buffer_clean(&audit->line, module);
	}
	wb_audit_line(audit);
}

/* A function's findings, from `first` on; the next one's index. */
static size_t print_findings(struct wb_audit *audit, const struct wb_audit_findings *f, size_t first)
{
	uint64_t start = f->items[first].start;
	size_t i = first;

	print_function(audit, f->image, start);
	for (; i < f->count && f->items[i].start == start; i++) {
		if (i - first >= FINDINGS_SHOWN)
			continue;
		wb_buffer_format(&audit->line, "  0x%" PRIx64 " ", f->items[i].at);
		wb_audit_place(audit, f->image, f->items[i].at);
		wb_buffer_text(&audit->line, ": ");
		put_what(audit, f->image, &f->items[i]);
		wb_audit_line(audit);
	}
	if (i - first > FINDINGS_SHOWN)
		wb_output_format(&audit->output, "  and at %zu other places\n", i - first - FINDINGS_SHOWN);
	print_calls(audit, f, start, 0);
	return i;
}

void wb_audit_print(struct wb_audit *audit, const struct wb_audit_findings *f)
{
	for (size_t i = 0; i < f->count && audit->json; i++)
		print_finding_json(audit, f->image, &f->items[i]);
	for (size_t i = 0; i < f->num_calls && audit->json; i++)
		print_call_json(audit, f->image, &f->calls[i]);
	for (size_t i = 0; i < f->count && !audit->json;)
		i = print_findings(audit, f, i);
	audit->shown += f->count;
}

/* ---- Values ---- */

struct search { struct wb_audit *audit; const struct wb_audit_findings *findings; uint64_t value; size_t found; };

static void say(struct search *search, const struct wb_finding *finding, const char *how)
{
	struct wb_audit *audit = search->audit;

	search->found++;
	audit->shown++;
	if (audit->json) {
		print_finding_json(audit, search->findings->image, finding);
		return;
	}
	wb_buffer_format(&audit->line, "%s0x%" PRIx64 " %s 0x%" PRIx64 " ", audit->indent, search->value, how, finding->at);
	wb_audit_place(audit, search->findings->image, finding->at);
	wb_audit_line(audit);
	if (audit->said == search->findings && audit->said_at == finding->at)
		return;
	audit->said = search->findings;
	audit->said_at = finding->at;
	print_function(audit, search->findings->image, finding->start);
	wb_buffer_format(&audit->line, "%s  ", audit->indent);
	put_what(audit, search->findings->image, finding);
	wb_audit_line(audit);
	print_calls(audit, search->findings, finding->start, 0);
}

static enum wb_err see_value(void *arg, const struct wb_finding *finding)
{
	struct search *search = arg;

	/* Those that write the frame pointer were said before. */
	for (size_t i = 0; i < search->findings->count; i++)
		if (search->findings->items[i].at == finding->at)
			return WB_OK;
	say(search, finding, "is put into a register at");
	return WB_OK;
}

/* The callees of the function that the value returns to, or that the chain broke in, as far as they do something to frame pointers. */
static enum wb_err see_callee(void *arg, const struct wb_code_call *call)
{
	struct search *search = arg;
	const struct wb_audit_findings *f = search->findings;
	uint64_t target = call->target;

	for (int depth = 0; depth < WRAPPERS && !has_finding(f, target); depth++)
		for (size_t i = 0; i < f->num_calls; i++)
			if (f->calls[i].start == target && is_wrapper(search->audit, f->image, target)) {
				target = f->calls[i].target;
				break;
			}
	for (size_t i = 0; i < f->count; i++) {
		if (f->items[i].start != target || f->items[i].kind == WB_FINDING_TABLE)
			continue;
		say(search, &f->items[i], f->items[i].kind == WB_FINDING_FP_SLOT ? "is a return address, stored over a saved frame pointer at"
		                                                                 : "may be what is left in the frame pointer at");
		return WB_OK;
	}
	return WB_OK;
}

static bool is_in_code(struct wb_image *image, uint64_t image_pc)
{
	struct wb_section_info info = { .size = sizeof(info) };

	for (size_t i = 0; wb_image_section_info(image, i, &info) == WB_OK; i++)
		if (info.executable && image_pc >= info.start && image_pc < info.end)
			return true;
	return false;
}

enum wb_err wb_audit_explain(struct wb_audit *audit, const struct wb_audit_findings *f, uint64_t value, uint64_t near)
{
	struct search search = { audit, f, value, 0 };
	enum wb_err err;

	for (size_t i = 0; i < f->count; i++)
		if (f->items[i].kind == WB_FINDING_FP_CLOBBERED && f->items[i].has_value && f->items[i].value == value)
			say(&search, &f->items[i], "is written to the frame pointer at");
	if (search.found)
		return WB_OK;
	/* 0 is everywhere. */
	err = value ? wb_find_value(audit->input.session, f->image, value, see_value, &search) : WB_OK;
	if (!err && !search.found && is_in_code(f->image, value))
		err = wb_list_calls(audit->input.session, f->image, value, see_callee, &search);
	if (!err && !search.found && near != UINT64_MAX)
		err = wb_list_calls(audit->input.session, f->image, near, see_callee, &search);
	if (err)
		return err == WB_NONE ? WB_OK : err;
	return search.found ? WB_OK : WB_NONE;
}
