/* SPDX-License-Identifier: MIT */
/*
 * Stacks as Go's runtime prints them when a program crashes (runtime/traceback.go, with GOTRACEBACK=system), for people and tools that know that form:
 *
 *   goroutine 6 gp=0xc0000036c0 m=2 mp=0xc00003c808 [running]:
 *   main.work.func1(...)
 *   	/src/main.go:64 +0x2b fp=0xc0000387e0 sp=0xc0000387c0 pc=0x4942ab
 *   created by main.work in goroutine 1
 *   	/src/main.go:64 +0xb7
 *
 * What differs: arguments are not shown, as everywhere where the runtime does not know them; the system stack of a running goroutine comes above its
 * own, where the runtime prints it apart or not at all; frames that are not Go's have their names; threads without a goroutine are goroutine 0. How
 * many minutes a goroutine has waited is not said, since the capture does not have the time.
 */
#include "formats/sink.h"

#include "base/mem.h"
#include "model/image.h"

/* One of the sites of a frame, innermost first. */
struct go_site {
	size_t name, file;            /* where in the part's text: terminated strings */
	uint64_t function_start;      /* image pc; UINT64_MAX: unknown */
	uint32_t line;
	bool is_inlined, is_last;
};

struct go_part {
	struct wb_sink_part base;
	struct wb_out text;
	struct go_site *sites;
	size_t num_sites, capacity;
};

static void go_part_deinit(struct wb_sink_part *base)
{
	struct go_part *part = (struct go_part *)base;

	wb_out_deinit(&part->text);
	wb_mem_free(part->sites);
}

static void go_forget(struct wb_sink_part *base)
{
	struct go_part *part = (struct go_part *)base;

	part->text.size = 0;
	part->num_sites = 0;
}

/* Names come from captures and objects: what a terminal would act on, or what would end the line, becomes '?'. */
static void put_clean(struct wb_out *out, const char *text)
{
	size_t start = out->size;

	wb_out_string(out, text);
	for (size_t i = start; i < out->size; i++)
		if ((uint8_t)out->bytes[i] < 0x20 || out->bytes[i] == 0x7f)
			out->bytes[i] = '?';
}

/* Keeps a text; returns where. */
static size_t keep(struct go_part *part, const char *text)
{
	size_t at = part->text.size;

	put_clean(&part->text, text);
	wb_out_char(&part->text, '\0');
	return at;
}

static enum wb_err add_site(struct go_part *part, const struct wb_site *site, bool is_last)
{
	if (!wb_mem_grow((void **)&part->sites, &part->capacity, part->num_sites, 1, sizeof(part->sites[0])))
		return WB_ERR_MEMORY;
	part->sites[part->num_sites++] = (struct go_site){
		.name = keep(part, site->function ? site->function : ""),
		.file = keep(part, site->file ? site->file : ""),
		.function_start = site->function ? site->function_start : UINT64_MAX,
		.line = site->line,
		.is_inlined = site->inlined,
		.is_last = is_last,
	};
	return part->text.failed ? WB_ERR_MEMORY : WB_OK;
}

static enum wb_err go_describe(struct wb_sink_part *base, const struct wb_frame *frame, const struct wb_frame_sites *sites, uint32_t *ret_id)
{
	static const struct wb_site nothing = { .function_start = UINT64_MAX };
	struct go_part *part = (struct go_part *)base;
	uint32_t first = (uint32_t)part->num_sites;
	enum wb_err err = WB_OK;

	(void)frame;
	if (!sites || !sites->count)
		err = add_site(part, &nothing, true);
	for (size_t i = 0; sites && i < sites->count && !err; i++)
		err = add_site(part, &sites->sites[i], i + 1 == sites->count);
	if (!err)
		*ret_id = first;
	return err;
}

/* ---- A stack ---- */

static void put_address(struct wb_out *out, const char *before, uint64_t address)
{
	wb_out_string(out, before);
	wb_out_string(out, "0x");
	wb_out_hex(out, address, 1);
}

/* Whether the runtime would quote a text of a label (tracebackStringNeedsQuoting): letters and digits, and what paths are made of, go as they are. */
static bool is_plain(const char *text)
{
	for (; *text; text++)
		if (!(*text >= '0' && *text <= '9') && !((*text | 32) >= 'a' && (*text | 32) <= 'z') && !strchr("._/", *text))
			return false;
	return true;
}

static void put_label_text(struct wb_out *out, const char *text)
{
	if (is_plain(text)) {
		wb_out_string(out, text);
		return;
	}
	wb_out_char(out, '"');
	for (; *text; text++) {
		uint8_t c = (uint8_t)*text;

		if (c == '"' || c == '\\')
			wb_out_char(out, '\\');
		if (c >= 0x20 && c != 0x7f) {
			wb_out_char(out, *text);
		} else {
			wb_out_string(out, "\\x");
			wb_out_hex(out, c, 2);
		}
	}
	wb_out_char(out, '"');
}

/* As since Go 1.27. */
static void put_labels(struct wb_out *out, const struct wb_sample *sample)
{
	for (size_t i = 0; i < sample->num_labels; i++) {
		wb_out_string(out, i ? ", " : " {");
		put_label_text(out, sample->labels[i].key);
		wb_out_string(out, ": ");
		put_label_text(out, sample->labels[i].value);
	}
	if (sample->num_labels)
		wb_out_char(out, '}');
}

static void put_head(struct wb_out *out, const struct wb_sample *sample)
{
	const struct wb_goroutine *goroutine = sample->goroutine;

	wb_out_string(out, "goroutine ");
	wb_out_decimal(out, goroutine ? goroutine->id : 0, 1);
	if (goroutine) {
		put_address(out, " gp=", goroutine->address);
		wb_out_string(out, goroutine->thread_address ? " m=" : " m=nil");
	}
	if (goroutine && goroutine->thread_address) {
		wb_out_decimal(out, goroutine->thread_id, 1);
		put_address(out, " mp=", goroutine->thread_address);
	}
	wb_out_string(out, " [");
	put_clean(out, goroutine ? goroutine->state : "not of Go");
	if (goroutine && goroutine->status == WB_GOROUTINE_LEAKED)
		wb_out_string(out, " (leaked)");
	if (goroutine && goroutine->flags & WB_GOROUTINE_SCAN)
		wb_out_string(out, " (scan)");
	if (goroutine && goroutine->flags & WB_GOROUTINE_LOCKED)
		wb_out_string(out, ", locked to thread");
	wb_out_char(out, ']');
	put_labels(out, sample);
	wb_out_string(out, ":\n");
}

/* What the traceback calls a function. */
static const char *print_name(const char *name)
{
	return strcmp(name, "runtime.gopanic") ? name : "panic";
}

static void put_place(const struct go_part *part, struct wb_out *out, const struct go_site *site, const struct wb_frame *frame)
{
	const char *file = part->text.bytes + site->file;
	/* Entry and pc as they are, though names are looked up inside the call. */
	uint64_t image_pc = frame->image_pc + (frame->pc - frame->lookup_pc);

	wb_out_char(out, '\t');
	wb_out_string(out, *file ? file : "?");
	wb_out_char(out, ':');
	wb_out_decimal(out, site->line, 1);
	if (!site->is_inlined && frame->flags & WB_FRAME_HAS_IMAGE && site->function_start < image_pc)
		put_address(out, " +", image_pc - site->function_start);
}

static void put_site(const struct go_part *part, struct wb_out *out, const struct go_site *site, const struct wb_frame *frame)
{
	const char *name = part->text.bytes + site->name;

	if (!*name) {
		put_address(out, "non-Go function at pc=", frame->pc);
		wb_out_char(out, '\n');
		return;
	}
	wb_out_string(out, print_name(name));
	wb_out_string(out, "(...)\n");
	put_place(part, out, site, frame);
	if (!site->is_inlined) {
		put_address(out, " fp=", frame->flags & WB_FRAME_HAS_CFA ? frame->cfa : frame->sp);
		put_address(out, " sp=", frame->sp);
		put_address(out, " pc=", frame->pc);
	}
	wb_out_char(out, '\n');
}

static void put_frames(const struct go_part *part, struct wb_out *out, const struct wb_stack *stack, const uint32_t *ids)
{
	for (size_t i = 0; i < stack->num_frames; i++) {
		const struct go_site *site = &part->sites[ids[i]];

		put_site(part, out, site, &stack->frames[i]);
		while (!site++->is_last)
			put_site(part, out, site, &stack->frames[i]);
	}
}

static void put_created_by(const struct go_part *part, struct wb_out *out, const struct wb_stack *stack, uint32_t id)
{
	const struct go_site *site = &part->sites[id];

	/* The runtime names the function that the statement is compiled into, and the line that the statement is in. */
	const struct go_site *place = site;
	struct go_site shown;

	while (!site->is_last)
		site++;
	shown = *site;
	shown.file = place->file;
	shown.line = place->line;
	if (!part->text.bytes[site->name])
		return;
	wb_out_string(out, "created by ");
	wb_out_string(out, print_name(part->text.bytes + site->name));
	if (stack->sample->goroutine && stack->sample->goroutine->created_by) {
		wb_out_string(out, " in goroutine ");
		wb_out_decimal(out, stack->sample->goroutine->created_by, 1);
	}
	wb_out_char(out, '\n');
	put_place(part, out, &shown, stack->created_by);
	wb_out_char(out, '\n');
}

static enum wb_err go_write(struct wb_sink_part *base, const struct wb_stack *stack, const uint32_t *ids)
{
	const struct go_part *part = (const struct go_part *)base;
	struct wb_out *out = &base->out;

	put_head(out, stack->sample);
	if (!stack->num_frames)
		wb_out_string(out, "\tgoroutine running on other thread; stack unavailable\n");
	put_frames(part, out, stack, ids);
	if (stack->stop.reason != WB_STOP_ROOT && stack->num_frames)
		wb_out_string(out, "...additional frames elided...\n");
	if (stack->created_by)
		put_created_by(part, out, stack, ids[stack->num_frames]);
	wb_out_char(out, '\n');
	return WB_OK;
}

static enum wb_err go_begin(struct wb_sink_part *base, const struct wb_capture_info *info)
{
	if (!info->crash_reason || !*info->crash_reason)
		return WB_OK;
	put_clean(&base->out, info->crash_reason);
	wb_out_string(&base->out, "\n\n");
	return WB_OK;
}

const struct wb_sink_format wb_sink_format_go = {
	.name = "go",
	.wants_sites = true,
	.part_size = sizeof(struct go_part),
	.part_deinit = go_part_deinit,
	.describe = go_describe,
	.forget = go_forget,
	.write = go_write,
	.begin = go_begin,
};
