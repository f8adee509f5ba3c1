/* SPDX-License-Identifier: MIT */
/*
 * Folded stacks, as flame graph tools read them: one line per distinct stack, outermost frame first, then how many samples had it.
 *
 *   python3;_start;main;Py_RunMain 17
 *
 * The count is of samples, as stackcollapse-perf counts, whatever their weight or event. Lines are sorted by their names, so they depend
 * on neither the order of samples nor the number of threads. A stack that is known not to be whole has [truncated] after the command, so
 * that its frames do not pass for roots. Kernel frames end in _[k]; a frame without a name is [module]; in names, ';' becomes ':' and what
 * would break the line a space; in commands, a space becomes '_'.
 *
 * A name is interned once, a frame is a number, and a stack is a sequence of numbers that is hashed: no text is put together before the end.
 */
#include "formats/sink.h"

#include "base/mem.h"
#include "model/image.h"

/* Strings, each stored once and numbered from 0. */
struct names {
	struct wb_out text;           /* NUL after each */
	size_t *offsets;              /* by number */
	size_t count, capacity;
	uint32_t *table;              /* open addressing: number + 1, 0 is free; at most half full */
	size_t table_size;
};

/* A distinct stack: its names from the root, in `sequences`. */
struct stack_count {
	uint64_t hash, samples;
	size_t start;
	uint32_t length;
};

struct folded_part {
	struct wb_sink_part base;
	struct names names;
	struct wb_out label;          /* the name being made */
	/* Described frames: a name's number, or MANY with the place in `groups` of a count and that many names from the root. */
	uint32_t *groups;
	size_t num_groups, groups_capacity;
	uint32_t *sequence;           /* of the stack that is being written */
	size_t sequence_capacity;
	uint32_t *sequences;          /* of all distinct stacks, one after the other */
	size_t num_sequences, sequences_capacity;
	struct stack_count *stacks;
	size_t num_stacks, stacks_capacity;
	uint32_t *table;              /* as in names, of stacks */
	size_t table_size;
};

enum { TABLE_MIN = 1024 };
static const uint32_t MANY = UINT32_C(1) << 31;

static void folded_part_deinit(struct wb_sink_part *base)
{
	struct folded_part *part = (struct folded_part *)base;

	wb_out_deinit(&part->names.text);
	wb_mem_free(part->names.offsets);
	wb_mem_free(part->names.table);
	wb_out_deinit(&part->label);
	wb_mem_free(part->groups);
	wb_mem_free(part->sequence);
	wb_mem_free(part->sequences);
	wb_mem_free(part->stacks);
	wb_mem_free(part->table);
}

/* Names stay: the stacks that were counted are made of them. */
static void folded_forget(struct wb_sink_part *base)
{
	((struct folded_part *)base)->num_groups = 0;
}

/* ---- Names ---- */

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

static uint64_t hash_text(const char *text, size_t size)
{
	uint64_t hash = size;

	for (; size >= 8; text += 8, size -= 8) {
		uint64_t word;

		memcpy(&word, text, 8);
		hash = mix(hash, word);
	}
	for (; size; text++, size--)
		hash = mix(hash, (uint8_t)*text);
	return hash;
}

static const char *name_text(const struct names *names, uint32_t name)
{
	return names->text.bytes + names->offsets[name];
}

static size_t name_size(const struct names *names, uint32_t name)
{
	return (name + 1 < names->count ? names->offsets[name + 1] : names->text.size) - names->offsets[name] - 1;
}

static bool names_rehash(struct names *names)
{
	size_t size = names->table_size ? names->table_size * 2 : TABLE_MIN;
	uint32_t *table = wb_mem_zalloc(size, sizeof(*table));

	if (!table)
		return false;
	for (uint32_t i = 0; i < names->count; i++) {
		size_t at = hash_text(name_text(names, i), name_size(names, i)) & (size - 1);

		while (table[at])
			at = (at + 1) & (size - 1);
		table[at] = i + 1;
	}
	wb_mem_free(names->table);
	names->table = table;
	names->table_size = size;
	return true;
}

/* Stores a name that is not there yet, at the free place `at` of the table. */
static enum wb_err names_add(struct names *names, const char *text, size_t size, size_t at, uint32_t *ret_name)
{
	void *offsets = names->offsets;

	if (names->count >= MANY - 1 || !wb_mem_grow(&offsets, &names->capacity, names->count, 1, sizeof(*names->offsets)))
		return WB_ERR_MEMORY;
	names->offsets = offsets;
	if (!wb_out_room(&names->text, size + 1))
		return WB_ERR_MEMORY;
	names->offsets[names->count] = names->text.size;
	wb_out_bytes(&names->text, text, size);
	wb_out_char(&names->text, '\0');
	names->table[at] = (uint32_t)++names->count;
	*ret_name = (uint32_t)names->count - 1;
	return WB_OK;
}

static enum wb_err names_put(struct names *names, const char *text, size_t size, uint32_t *ret_name)
{
	size_t at;

	if (names->count * 2 >= names->table_size && !names_rehash(names))
		return WB_ERR_MEMORY;
	at = hash_text(text, size) & (names->table_size - 1);
	for (; names->table[at]; at = (at + 1) & (names->table_size - 1)) {
		uint32_t name = names->table[at] - 1;

		if (name_size(names, name) == size && !memcmp(name_text(names, name), text, size)) {
			*ret_name = name;
			return WB_OK;
		}
	}
	return names_add(names, text, size, at, ret_name);
}

/* ---- Describing a frame ---- */

/* Text that cannot break the line or end the frame. */
static void put_safe(struct wb_out *out, const char *text, char space)
{
	size_t start = out->size;

	wb_out_string(out, text);
	for (size_t i = start; i < out->size; i++) {
		if (out->bytes[i] == ';')
			out->bytes[i] = ':';
		else if ((uint8_t)out->bytes[i] <= ' ')
			out->bytes[i] = space;
	}
}

/* "[libc.so.6]", "[vdso]", "[unknown]"; with an address, "libc.so.6+0x12". */
static void put_nameless(struct wb_out *out, const char *module, const struct wb_frame *frame, bool address)
{
	bool bare = address || *module == '[';

	if (!*module)
		module = "unknown";
	if (!bare)
		wb_out_char(out, '[');
	put_safe(out, module, ' ');
	if (!bare)
		wb_out_char(out, ']');
	if (address) {
		wb_out_string(out, "+0x");
		wb_out_hex(out, frame->flags & WB_FRAME_HAS_IMAGE ? frame->image_pc : frame->lookup_pc, 1);
	}
}

static enum wb_err name_site(struct folded_part *part, const struct wb_frame *frame, const struct wb_site *site, uint32_t *ret_name)
{
	struct wb_out *out = &part->label;

	out->size = 0;
	if (site && site->function) {
		put_safe(out, site->function, ' ');
	} else {
		struct wb_image *image = wb_sink_image(&part->base, frame);

		put_nameless(out, wb_sink_module(image), frame, !site && frame->flags & WB_FRAME_HAS_IMAGE);
		wb_image_unref(image);
	}
	if (frame->flags & WB_FRAME_KERNEL)
		wb_out_string(out, "_[k]");
	return out->failed ? WB_ERR_MEMORY : names_put(&part->names, out->bytes, out->size, ret_name);
}

static enum wb_err folded_describe(struct wb_sink_part *base, const struct wb_frame *frame, const struct wb_frame_sites *sites,
                                   uint32_t *ret_id)
{
	struct folded_part *part = (struct folded_part *)base;
	void *groups = part->groups;
	uint32_t *group;

	if (!sites || sites->count <= 1)
		return name_site(part, frame, sites && sites->count ? sites->sites : NULL, ret_id);
	if (!wb_mem_grow(&groups, &part->groups_capacity, part->num_groups, sites->count + 1, sizeof(*part->groups)))
		return WB_ERR_MEMORY;
	part->groups = groups;
	if (part->num_groups + sites->count >= MANY)
		return WB_ERR_LIMIT;
	group = part->groups + part->num_groups;
	*group++ = (uint32_t)sites->count;
	for (size_t i = sites->count; i--;) {
		enum wb_err err = name_site(part, frame, &sites->sites[i], group++);

		if (err)
			return err;
	}
	*ret_id = MANY | (uint32_t)part->num_groups;
	part->num_groups += sites->count + 1;
	return WB_OK;
}

/* ---- Counting stacks ---- */

static bool stacks_rehash(struct folded_part *part)
{
	size_t size = part->table_size ? part->table_size * 2 : TABLE_MIN;
	uint32_t *table = wb_mem_zalloc(size, sizeof(*table));

	if (!table)
		return false;
	for (uint32_t i = 0; i < part->num_stacks; i++) {
		size_t at = part->stacks[i].hash & (size - 1);

		while (table[at])
			at = (at + 1) & (size - 1);
		table[at] = i + 1;
	}
	wb_mem_free(part->table);
	part->table = table;
	part->table_size = size;
	return true;
}

static enum wb_err stacks_add(struct folded_part *part, const uint32_t *sequence, uint32_t length, uint64_t hash, uint64_t samples, size_t at)
{
	void *stacks = part->stacks, *sequences = part->sequences;

	if (part->num_stacks >= UINT32_MAX - 1 ||
	    !wb_mem_grow(&stacks, &part->stacks_capacity, part->num_stacks, 1, sizeof(*part->stacks)))
		return WB_ERR_MEMORY;
	part->stacks = stacks;
	if (!wb_mem_grow(&sequences, &part->sequences_capacity, part->num_sequences, length, sizeof(*sequence)))
		return WB_ERR_MEMORY;
	part->sequences = sequences;
	memcpy(part->sequences + part->num_sequences, sequence, length * sizeof(*sequence));
	part->stacks[part->num_stacks++] = (struct stack_count){ hash, samples, part->num_sequences, length };
	part->num_sequences += length;
	part->table[at] = (uint32_t)part->num_stacks;
	return WB_OK;
}

static enum wb_err stacks_count(struct folded_part *part, const uint32_t *sequence, uint32_t length, uint64_t samples)
{
	uint64_t hash = length;
	size_t at;

	if (part->num_stacks * 2 >= part->table_size && !stacks_rehash(part))
		return WB_ERR_MEMORY;
	for (uint32_t i = 0; i < length; i++)
		hash = mix(hash, sequence[i]);
	for (at = hash & (part->table_size - 1); part->table[at]; at = (at + 1) & (part->table_size - 1)) {
		struct stack_count *stack = &part->stacks[part->table[at] - 1];

		if (stack->hash != hash || stack->length != length ||
		    memcmp(part->sequences + stack->start, sequence, length * sizeof(*sequence)))
			continue;
		stack->samples += samples;
		return WB_OK;
	}
	return stacks_add(part, sequence, length, hash, samples, at);
}

static enum wb_err name_comm(struct folded_part *part, const char *comm, uint32_t *ret_name)
{
	struct wb_out *out = &part->label;

	out->size = 0;
	put_safe(out, comm && *comm ? comm : "?", '_');
	return out->failed ? WB_ERR_MEMORY : names_put(&part->names, out->bytes, out->size, ret_name);
}

/* The frame that stands for what is missing above the outermost one; NULL if nothing is known to be missing. */
static const char *missing_part(const struct wb_stack *stack)
{
	if (stack->stop.reason == WB_STOP_ROOT || stack->stop.reason == WB_STOP_GIVEN)
		return NULL;
	return stack->num_frames ? "[truncated]" : "[no frames]";
}

/* Names that the frames stand for. */
static size_t count_names(const struct folded_part *part, const uint32_t *ids, size_t count)
{
	size_t names = 0;

	for (size_t i = 0; i < count; i++)
		names += ids[i] & MANY ? part->groups[ids[i] & ~MANY] : 1;
	return names;
}

static enum wb_err folded_write(struct wb_sink_part *base, const struct wb_stack *stack, const uint32_t *ids)
{
	struct folded_part *part = (struct folded_part *)base;
	size_t length = count_names(part, ids, stack->num_frames) + 2;
	const char *missing = missing_part(stack);
	void *sequence = part->sequence;
	enum wb_err err;
	uint32_t *at;

	if (length > UINT32_MAX || !wb_mem_grow(&sequence, &part->sequence_capacity, 0, length, sizeof(*part->sequence)))
		return WB_ERR_MEMORY;
	at = part->sequence = sequence;
	err = name_comm(part, stack->sample->comm, at++);
	if (!err && missing)
		err = names_put(&part->names, missing, strlen(missing), at++);
	if (err)
		return err;
	for (size_t i = stack->num_frames; i--;) {
		if (ids[i] & MANY) {
			const uint32_t *group = part->groups + (ids[i] & ~MANY);

			memcpy(at, group + 1, *group * sizeof(*at));
			at += *group;
		} else {
			*at++ = ids[i];
		}
	}
	return stacks_count(part, part->sequence, (uint32_t)(at - part->sequence), 1);
}

static enum wb_err folded_merge(struct wb_sink_part *base, const struct wb_sink_part *other_base)
{
	struct folded_part *part = (struct folded_part *)base;
	const struct folded_part *other = (const struct folded_part *)other_base;
	uint32_t *map = wb_mem_alloc(other->names.count * sizeof(*map)), *sequences = other->sequences;
	enum wb_err err = map ? WB_OK : WB_ERR_MEMORY;

	for (uint32_t i = 0; i < other->names.count && !err; i++)
		err = names_put(&part->names, name_text(&other->names, i), name_size(&other->names, i), &map[i]);
	/* The other part's stacks are done with: its sequences are renamed where they are. */
	for (size_t i = 0; i < other->num_sequences && !err; i++)
		sequences[i] = map[sequences[i]];
	for (size_t i = 0; i < other->num_stacks && !err; i++)
		err = stacks_count(part, sequences + other->stacks[i].start, other->stacks[i].length, other->stacks[i].samples);
	wb_mem_free(map);
	return err;
}

/* ---- Writing ---- */

/* Merge sort of numbers by what they stand for: the C library's qsort takes no argument to compare with, and degrades on some inputs. */
typedef int (*compare_fn)(const struct folded_part *part, uint32_t a, uint32_t b);

static void merge_sort(const struct folded_part *part, compare_fn compare, uint32_t *items, uint32_t *spare, size_t count)
{
	for (size_t width = 1; width < count; width *= 2) {
		for (size_t start = 0; start < count; start += 2 * width) {
			size_t middle = start + width < count ? start + width : count;
			size_t end = middle + width < count ? middle + width : count;
			size_t a = start, b = middle;

			for (size_t i = start; i < end; i++)
				spare[i] = a < middle && (b == end || compare(part, items[a], items[b]) <= 0) ? items[a++] : items[b++];
		}
		memcpy(items, spare, count * sizeof(*items));
	}
}

static int compare_names(const struct folded_part *part, uint32_t a, uint32_t b)
{
	return strcmp(name_text(&part->names, a), name_text(&part->names, b));
}

/* By then sequences hold ranks of names. */
static int compare_stacks(const struct folded_part *part, uint32_t a, uint32_t b)
{
	const struct stack_count *x = &part->stacks[a], *y = &part->stacks[b];
	uint32_t length = x->length < y->length ? x->length : y->length;

	for (uint32_t i = 0; i < length; i++) {
		uint32_t left = part->sequences[x->start + i], right = part->sequences[y->start + i];

		if (left != right)
			return left < right ? -1 : 1;
	}
	return x->length == y->length ? 0 : x->length < y->length ? -1 : 1;
}

static void put_stack(struct folded_part *part, const struct stack_count *stack, const uint32_t *name_of_rank)
{
	struct wb_out *out = &part->base.out;

	for (uint32_t i = 0; i < stack->length; i++) {
		uint32_t name = name_of_rank[part->sequences[stack->start + i]];

		if (i)
			wb_out_char(out, ';');
		wb_out_bytes(out, name_text(&part->names, name), name_size(&part->names, name));
	}
	wb_out_char(out, ' ');
	wb_out_decimal(out, stack->samples, 1);
	wb_out_char(out, '\n');
}

static enum wb_err put_sorted(struct folded_part *part, struct wb_sink *sink, uint32_t *names, uint32_t *ranks, uint32_t *stacks,
                              uint32_t *spare)
{
	enum wb_err err = WB_OK;

	for (uint32_t i = 0; i < part->names.count; i++)
		names[i] = i;
	merge_sort(part, compare_names, names, spare, part->names.count);
	for (uint32_t i = 0; i < part->names.count; i++)
		ranks[names[i]] = i;
	for (size_t i = 0; i < part->num_sequences; i++)
		part->sequences[i] = ranks[part->sequences[i]];
	for (uint32_t i = 0; i < part->num_stacks; i++)
		stacks[i] = i;
	merge_sort(part, compare_stacks, stacks, spare, part->num_stacks);
	for (size_t i = 0; i < part->num_stacks && !err; i++) {
		put_stack(part, &part->stacks[stacks[i]], names);
		if (part->base.out.size >= WB_SINK_PUT_SIZE)
			err = wb_sink_put(sink, &part->base.out);
	}
	return err;
}

static enum wb_err folded_finish(struct wb_sink_part *base, struct wb_sink *sink)
{
	struct folded_part *part = (struct folded_part *)base;
	size_t num_names = part->names.count, num_stacks = part->num_stacks;
	size_t num_spare = num_names > num_stacks ? num_names : num_stacks;
	uint32_t *numbers = wb_mem_zalloc(2 * num_names + num_stacks + num_spare, sizeof(*numbers));
	enum wb_err err;

	if (!numbers)
		return WB_ERR_MEMORY;
	err = put_sorted(part, sink, numbers, numbers + num_names, numbers + 2 * num_names, numbers + 2 * num_names + num_stacks);
	wb_mem_free(numbers);
	/* What was written is gone: the sequences are ranks now. */
	part->num_stacks = part->num_sequences = 0;
	if (part->table)
		memset(part->table, 0, part->table_size * sizeof(*part->table));
	return err;
}

const struct wb_sink_format wb_sink_format_folded = {
	.name = "folded",
	.wants_sites = true,
	.part_size = sizeof(struct folded_part),
	.part_deinit = folded_part_deinit,
	.describe = folded_describe,
	.forget = folded_forget,
	.write = folded_write,
	.merge = folded_merge,
	.finish = folded_finish,
};
