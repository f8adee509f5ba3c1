/* SPDX-License-Identifier: MIT */
/* Walks and their comparison; groups of faults. */
#include "check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	FRAMES_MAX = 4096,
	STACKS_MAX = 4,
	BELOW = 4096,                 /* bytes under the stack pointer that a dump would have, too */
	STACK_MAX = 1 << 20,          /* bytes of one stack that are looked at */
	GROUPS_MAX = 4096,
	LEFT = 8,                     /* bytes that a function which leaves its stack has pushed: the frame pointer */
};

const char *const check_strategies[NUM_STRATEGIES] = { "auto", "cfi", "fp" };
static const unsigned BY_FRAME_POINTER = 2;
const char *const check_memories[NUM_MEMORIES] = { "all", "from-sp" };
const char *const check_verdicts[NUM_VERDICTS] = { "exact", "short", "wrong", "register", "chain" };

/* What a moment is walked from, and what is true of it. */
struct moment {
	struct machine *machine;
	const struct shadow *shadow;
	const uint64_t *now;
	struct wb_reg regs[REGS_MAX];
	struct wb_context context;
	struct wb_region regions[STACKS_MAX];
	struct wb_sample sample;
};

/* What a walk came to. */
struct outcome {
	enum verdict verdict;
	size_t frame;                 /* the first that is not right */
	size_t count;
	struct wb_stop stop;
	bool is_base;                 /* REGISTER: it is the stack or frame pointer */
	char what[160];
	char reason[64];              /* the kind of fault, without addresses */
};

static struct wb_frame frames[FRAMES_MAX];

/* ---- The session ---- */

static void on_diag(void *arg, const struct wb_diag *diag)
{
	char line[512];

	(void)arg;
	wb_diag_format(diag, line, sizeof(line));
	fprintf(stderr, "diagnostic: %s\n", line);
}

enum wb_err check_init(struct check *c, const char *keep, const char *debug_dir)
{
	static const enum wb_how cfi[] = { WB_HOW_CFI }, frame_pointer[] = { WB_HOW_CODE, WB_HOW_LEAF, WB_HOW_FRAME_POINTER };
	const struct wb_session_opts opts = { .size = sizeof(opts), .diag = on_diag, .trust_unverified = 1 };
	const struct wb_symbolizer_opts names = { .size = sizeof(names), .detail = WB_DETAIL_LINES };
	struct wb_walker_opts walkers[NUM_STRATEGIES] = {
		{ .size = sizeof(walkers[0]) },
		{ .size = sizeof(walkers[0]), .strategies = cfi, .num_strategies = 1 },
		{ .size = sizeof(walkers[0]), .strategies = frame_pointer, .num_strategies = 3 },
	};
	enum wb_err err;

	memset(c, 0, sizeof(*c));
	c->keep = keep;
	err = wb_session_new(&opts, &c->session);
	if (!err)
		err = wb_session_add_host_paths(c->session);
	if (!err && debug_dir)
		err = wb_session_add_debug_dir(c->session, debug_dir);
	if (!err)
		err = wb_symbolizer_new(c->session, &names, &c->symbolizer);
	for (size_t i = 0; i < NUM_STRATEGIES && !err; i++)
		err = wb_walker_new(c->session, &walkers[i], &c->walkers[i]);
	return err;
}

enum wb_err check_name_by(struct check *c, const char *program, const char *file)
{
	const struct wb_symbolizer_opts names = { .size = sizeof(names), .detail = WB_DETAIL_LINES };
	enum wb_err err = wb_session_new(NULL, &c->name_session);

	c->program = program;
	if (!err)
		err = wb_symbolizer_new(c->name_session, &names, &c->name_symbolizer);
	return err ? err : wb_image_open(c->name_session, file, &c->named);
}

void check_deinit(struct check *c)
{
	wb_symbolizer_free(c->name_symbolizer);
	wb_image_unref(c->named);
	wb_session_free(c->name_session);
	for (size_t i = 0; i < c->num_groups; i++) {
		free(c->groups[i].where);
		free(c->groups[i].what);
		free(c->groups[i].reason);
		free(c->groups[i].key);
	}
	free(c->groups);
	for (size_t i = 0; i < NUM_STRATEGIES; i++)
		wb_walker_free(c->walkers[i]);
	wb_symbolizer_free(c->symbolizer);
	wb_space_unref(c->space);
	wb_session_free(c->session);
}

/* ---- The space ---- */

/* The vDSO is in no file: its bytes are the process's. */
static enum wb_err open_vdso(struct check *c, struct machine *t, const struct range *range, struct wb_image **ret_image)
{
	size_t size = (size_t)(range->end - range->start);
	void *bytes = malloc(size);

	if (!bytes || !machine_read(t, range->start, bytes, size)) {
		free(bytes);
		return WB_ERR_IO;
	}
	return wb_image_open_bytes(c->session, "[vdso]", bytes, size, WB_IMAGE_LOADED, free, bytes, ret_image);
}

static enum wb_err add_range(struct check *c, struct machine *t, const struct range *range, struct wb_space **space)
{
	struct wb_mapping mapping = { .size = sizeof(mapping), .start = range->start, .end = range->end, .prot = range->prot };
	struct wb_space *next = NULL;
	enum wb_err err = WB_OK;

	if (range->path[0] == '/') {
		mapping.path = range->path;
		mapping.file_offset = range->file_offset;
	} else if (!strcmp(range->path, "[vdso]")) {
		err = open_vdso(c, t, range, &mapping.image);
	}
	if (!err)
		err = wb_space_map(*space, &mapping, 1, &next);
	wb_image_unref(mapping.image);
	if (err)
		return err;
	wb_space_unref(*space);
	*space = next;
	return WB_OK;
}

static enum wb_err update_space(struct check *c, struct machine *t)
{
	struct wb_space *space = NULL;
	enum wb_err err;

	if (c->space && c->generation == t->generation)
		return WB_OK;
	err = wb_space_new(c->session, &t->target->platform, &space);
	for (size_t i = 0; i < t->num_ranges && !err; i++)
		err = add_range(c, t, &t->ranges[i], &space);
	if (err) {
		wb_space_unref(space);
		return err;
	}
	wb_space_unref(c->space);
	c->space = space;
	c->generation = t->generation;
	return WB_OK;
}

/* ---- The moment ---- */

/* Adds the stack that sp is on, unless it is there; regions stay sorted. */
static bool add_stack(struct moment *m, uint64_t sp)
{
	const struct range *range = machine_range(m->machine, sp);
	struct wb_sample *sample = &m->sample;
	uint64_t start, size;
	size_t at = sample->num_regions;
	uint8_t *bytes;

	if (!range || at == STACKS_MAX)
		return false;
	for (size_t i = 0; i < at; i++)
		if (m->regions[i].address >= range->start && m->regions[i].address < range->end)
			return true;
	start = sp - range->start > BELOW ? sp - BELOW : range->start;
	size = range->end - start < STACK_MAX ? range->end - start : STACK_MAX;
	bytes = malloc((size_t)size);
	if (!bytes || !machine_read(m->machine, start, bytes, (size_t)size)) {
		free(bytes);
		return false;
	}
	for (; at && m->regions[at - 1].address > start; at--)
		m->regions[at] = m->regions[at - 1];
	m->regions[at] = (struct wb_region){ start, bytes, (size_t)size };
	sample->num_regions++;
	return true;
}

static bool moment_init(struct moment *m, struct machine *t, const struct shadow *s, const uint64_t *now)
{
	const struct target *target = t->target;

	*m = (struct moment){ .machine = t, .shadow = s, .now = now };
	for (uint32_t i = 0; i < target->num_regs; i++)
		m->regs[i] = (struct wb_reg){ .number = target->dwarf[i], .value = now[i] };
	m->context = (struct wb_context){ .regs = m->regs, .num_regs = target->num_regs, .pc_kind = WB_PC_EXACT };
	m->sample = (struct wb_sample){ .size = sizeof(m->sample), .contexts = &m->context, .num_contexts = 1, .regions = m->regions,
	                                .pid = (uint32_t)t->pid, .tid = (uint32_t)t->pid, .comm = "truth" };
	if (!add_stack(m, now[target->sp]))
		return false;
	/* A handler may run on another stack than what it interrupted. */
	for (size_t i = s->count; i-- > 0;)
		if (s->callers[i].interrupted || s->switches)
			add_stack(m, s->callers[i].interrupted ? s->callers[i].regs[target->sp] : s->callers[i].slot);
	return true;
}

static void moment_deinit(struct moment *m)
{
	for (size_t i = 0; i < m->sample.num_regions; i++)
		free((void *)(uintptr_t)m->regions[i].bytes);
}

/* What a capture has: each stack from its stack pointer upwards. bytes stay where they are. */
static void cut_below(struct moment *m, struct wb_region *cut)
{
	uint8_t sp_at = m->machine->target->sp;

	for (size_t i = 0; i < m->sample.num_regions; i++) {
		const struct wb_region *region = &m->regions[i];
		uint64_t sp = m->now[sp_at], skip;

		for (size_t j = m->shadow->count; sp - region->address >= region->size && j-- > 0;)
			if (m->shadow->callers[j].interrupted)
				sp = m->shadow->callers[j].regs[sp_at];
			else if (m->shadow->switches)
				sp = m->shadow->callers[j].slot - LEFT;
		skip = sp - region->address;
		cut[i] = (struct wb_region){ sp, (const uint8_t *)region->bytes + skip, region->size - (size_t)skip };
	}
}

static size_t num_frames(const struct moment *m)
{
	return m->shadow->count + 1;
}

static const struct caller *caller_at(const struct moment *m, size_t frame)
{
	return &m->shadow->callers[m->shadow->count - frame];
}

static uint64_t true_pc(const struct moment *m, size_t frame)
{
	return frame ? caller_at(m, frame)->pc : m->now[m->machine->target->pc];
}

/* ---- One walk ---- */

static const char *stop_name(const struct wb_stop *stop)
{
	return wb_stop_text(stop->reason);
}

/* Whether this frame's own frame pointer leads to its record, caller's frame pointer and return address, and that lies within the frame. (Return
 * addresses may be signed.) */
static bool keeps_frame_pointer(const struct moment *m, size_t frame)
{
	const struct target *target = m->machine->target;
	const struct caller *own = caller_at(m, frame), *next = caller_at(m, frame + 1);
	uint64_t fp = own->regs[target->fp], word;

	return !own->interrupted && own->known >> target->fp & 1 && fp >= own->regs[target->sp] && fp < next->slot &&
	       machine_read(m->machine, fp + 8, &word, sizeof(word)) && !((word ^ next->pc) << 16);
}

/* How many frames a chain of frame pointers has, if it starts at the innermost frame's caller: up to the first frame that keeps none. */
static size_t frames_of_chain(const struct moment *m)
{
	size_t wanted = num_frames(m), frame = 1;

	while (frame + 1 < wanted && keeps_frame_pointer(m, frame))
		frame++;
	return frame + 1;
}

static void judge(const struct moment *m, unsigned strategy, struct outcome *out)
{
	size_t wanted = num_frames(m), same = 0, most = out->count < wanted ? out->count : wanted;

	while (same < most && frames[same].pc == true_pc(m, same))
		same++;
	out->frame = same;
	if (same == wanted && out->count == wanted && out->stop.reason == WB_STOP_ROOT) {
		out->verdict = VERDICT_EXACT;
		return;
	}
	if (strategy == BY_FRAME_POINTER && wanted > 1 && frames_of_chain(m) < wanted && same >= frames_of_chain(m)) {
		out->verdict = VERDICT_CHAIN;
		return;
	}
	out->verdict = same == out->count && out->stop.reason != WB_STOP_ROOT ? VERDICT_SHORT : VERDICT_WRONG;
	snprintf(out->reason, sizeof(out->reason), "%s, %s", same < out->count ? wb_how_text((enum wb_how)frames[same].how) : "no frame",
	         stop_name(&out->stop));
	snprintf(out->what, sizeof(out->what), "frame %zu of %zu: expected %#" PRIx64 ", actual %#" PRIx64 "; %zu frames, stop %s at %#" PRIx64,
	         same, wanted, same < wanted ? true_pc(m, same) : 0, same < out->count ? frames[same].pc : 0, out->count, stop_name(&out->stop),
	         out->stop.address);
}

/* ---- Groups ---- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* "libc.so.6 memcpy+0x12 (0x1234)", without the address for the key. *ret_is_ours: built here, with line numbers; not from a library of the system. */
static void name_pc(struct check *c, uint64_t pc, enum wb_pc_kind kind, char *where, char *function, size_t size, bool *ret_is_ours)
{
	struct wb_place place = { .size = sizeof(place) };
	struct wb_image_info info = { .size = sizeof(info) };
	const struct wb_site *sites;
	size_t count;

	*ret_is_ours = false;
	snprintf(function, size, "%s", "anonymous");
	snprintf(where, size, "%#" PRIx64, pc);
	if (wb_space_find(c->space, pc - (kind == WB_PC_RETURN), &place) || !place.image || wb_image_info(place.image, &info))
		return;
	place.image_pc += kind == WB_PC_RETURN;
	snprintf(function, size, "%s", base_name(info.path));
	snprintf(where, size, "%s %#" PRIx64, base_name(info.path), place.image_pc);
	bool by_name = c->named && !strcmp(base_name(info.path), base_name(c->program));

	if (wb_symbolize(by_name ? c->name_symbolizer : c->symbolizer, by_name ? c->named : place.image, place.image_pc, kind, &sites, &count) ||
	    !count || !sites->function)
		return;
	*ret_is_ours = sites->line != 0;
	snprintf(function, size, "%s %.120s", base_name(info.path), sites->function);
	snprintf(where, size, "%s %.120s+%#" PRIx64 " (%#" PRIx64 ")", base_name(info.path), sites->function,
	         place.image_pc - sites->function_start, place.image_pc);
}

static void keep(struct check *c, const struct moment *m, const struct wb_sample *sample, const struct group *group)
{
	char dir[4096], file[4200];
	FILE *out;
	enum wb_err err;

	if (!c->keep)
		return;
	snprintf(dir, sizeof(dir), "%s/%03zu-%s-%s-%s", c->keep, c->num_groups, check_strategies[group->strategy], check_memories[group->memory],
	         check_verdicts[group->verdict]);
	mkdir(c->keep, 0777);
	err = wb_snapshot_write(c->session, c->space, sample, dir, 1);
	if (err) {
		fprintf(stderr, "%s: %s\n", dir, wb_err_text(err));
		return;
	}
	snprintf(file, sizeof(file), "%s/expected.txt", dir);
	out = fopen(file, "w");
	for (size_t i = 0; out && i < num_frames(m); i++)
		fprintf(out, "%#" PRIx64 "\n", true_pc(m, i));
	if (out)
		fclose(out);
}

/* Whether the program wrote over the return address that this frame has on the stack. */
static bool is_overwritten(const struct moment *m, size_t from)
{
	uint64_t word;

	return m->machine->target->link == REG_NONE && from < m->shadow->count && !caller_at(m, from + 1)->interrupted &&
	       machine_read(m->machine, caller_at(m, from + 1)->slot, &word, sizeof(word)) && word != caller_at(m, from + 1)->pc;
}

/* What there is to say of a fault without looking at code: the program wrote over the return address; the image has no CFI here, or its own CFI says that
 * the frame goes on where a register points, as it does at the end of longjmp and of eh_return; a frame pointer led here, which lost the rest. */
static const char *hint_of(struct check *c, const struct moment *m, size_t from)
{
	const struct target *target = m->machine->target;
	struct wb_place place = { .size = sizeof(place) };
	struct wb_row_info row = { .size = sizeof(row) };
	bool is_return = from && !caller_at(m, from)->interrupted;
	uint64_t pc = true_pc(m, from) - is_return;

	if (is_overwritten(m, from))
		return ", return address overwritten";
	if (wb_space_find(c->space, pc, &place) || !place.image || wb_row_info(c->session, place.image, place.image_pc, WB_HOW_CFI, &row))
		return ", no CFI";
	if (from)
		return frames[from].how == WB_HOW_FRAME_POINTER ? ", behind a frame pointer" : "";
	for (size_t i = 0; i < row.num_rules && target->link == REG_NONE; i++)
		if (row.rules[i].reg == WB_REG_PC && row.rules[i].kind == WB_RULE_REGISTER)
			return ", return address in a register";
	return row.cfa.kind == WB_RULE_OFFSET && row.cfa.base != target->dwarf[target->sp] && row.cfa.base != target->dwarf[target->fp]
	               ? ", CFA in another register" : "";
}

static struct group *find_group(struct check *c, const char *key)
{
	for (size_t i = 0; i < c->num_groups; i++)
		if (!strcmp(c->groups[i].key, key))
			return &c->groups[i];
	return NULL;
}

static void record(struct check *c, const struct moment *m, const struct wb_sample *sample, unsigned strategy, unsigned memory,
                   const struct outcome *out)
{
	size_t from = out->frame ? out->frame - 1 : 0;
	char where[512], function[512], reason[128], key[1024];
	struct group *group;
	bool is_ours;

	name_pc(c, true_pc(m, from), from && !caller_at(m, from)->interrupted ? WB_PC_RETURN : WB_PC_EXACT, where, function, sizeof(where), &is_ours);
	snprintf(reason, sizeof(reason), "%s%s%s", out->reason, hint_of(c, m, from),
	         strategy == BY_FRAME_POINTER && !is_ours ? ", built without frame pointers" : "");
	snprintf(key, sizeof(key), "%u %u %u %s %s", strategy, memory, out->verdict, function, reason);
	group = find_group(c, key);
	if (!group) {
		if (c->num_groups == GROUPS_MAX)
			return;
		if (!(c->num_groups & (c->num_groups - 1)))
			c->groups = realloc(c->groups, (c->num_groups ? 2 * c->num_groups : 1) * sizeof(*group));
		group = &c->groups[c->num_groups++];
		*group = (struct group){ .strategy = (uint8_t)strategy, .memory = (uint8_t)memory, .verdict = (uint8_t)out->verdict,
		                         .where = strdup(where), .what = strdup(out->what), .reason = strdup(reason), .key = strdup(key) };
		keep(c, m, sample, group);
	}
	group->steps++;
	group->pcs += group->last_pc != true_pc(m, from);
	group->last_pc = true_pc(m, from);
}

/* ---- Registers ---- */

/* False: a register of this frame is known and wrong: *ret_number. */
static bool check_regs(const struct target *target, struct wb_walker *walker, struct tally *tally, const struct caller *caller,
                       uint32_t *ret_number, uint64_t *ret_value)
{
	bool right = true;

	for (uint32_t number = 0; number < target->num_regs; number++) {
		enum wb_reg_state state = WB_REG_UNKNOWN;
		uint64_t value = 0;

		if (!(caller->known >> number & 1) || wb_walker_reg(walker, target->dwarf[number], &state, &value))
			continue;
		tally->known += state == WB_REG_KNOWN;
		tally->derived += state == WB_REG_DERIVED;
		tally->unknown += state == WB_REG_UNKNOWN;
		tally->derived_wrong += state == WB_REG_DERIVED && value != caller->regs[number];
		if (state != WB_REG_KNOWN || value == caller->regs[number])
			continue;
		/* The stack and frame pointers explain more than others. */
		if (!right && number != target->sp && number != target->fp)
			continue;
		right = false;
		*ret_number = number;
		*ret_value = value;
	}
	return right;
}

/* The same walk step by step, as far as its frames are right, with the registers of each. *ret_out gets the first that is wrong. */
static enum wb_err walk_regs(struct check *c, const struct moment *m, const struct wb_sample *sample, unsigned strategy, unsigned memory,
                             const struct outcome *whole, struct outcome *ret_out)
{
	struct tally *tally = &c->tallies[strategy][memory];
	struct wb_walker *walker = c->walkers[strategy];
	const struct target *target = m->machine->target;
	enum wb_err err = wb_walker_begin(walker, c->space, sample);
	uint64_t value = 0;
	uint32_t number = 0;

	*ret_out = (struct outcome){ .verdict = VERDICT_EXACT, .stop = whole->stop };
	for (size_t i = 0; i < whole->frame && !err; i++) {
		struct wb_frame frame;

		err = wb_walker_next(walker, &frame, sizeof(frame));
		if (err || frame.pc != true_pc(m, i)) {
			c->inconsistent++;
			return err < 0 ? err : WB_OK;
		}
		if (!i || check_regs(target, walker, tally, caller_at(m, i), &number, &value))
			continue;
		ret_out->verdict = VERDICT_REGISTER;
		ret_out->frame = i;
		ret_out->is_base = number == target->sp || number == target->fp;
		snprintf(ret_out->reason, sizeof(ret_out->reason), "%s", wb_reg_name(target->platform.arch, target->dwarf[number]));
		if (number == target->sp)
			snprintf(ret_out->reason, sizeof(ret_out->reason), "sp %+" PRId64, (int64_t)(value - caller_at(m, i)->regs[number]));
		snprintf(ret_out->what, sizeof(ret_out->what), "frame %zu of %zu: %s expected %#" PRIx64 ", actual %#" PRIx64, i, num_frames(m),
		         ret_out->reason, caller_at(m, i)->regs[number], value);
		break;
	}
	return err < 0 ? err : WB_OK;
}

static bool is_fault(enum verdict verdict)
{
	return verdict != VERDICT_EXACT && verdict != VERDICT_CHAIN;
}

static enum wb_err walk(struct check *c, const struct moment *m, const struct wb_sample *sample, unsigned strategy, unsigned memory)
{
	struct tally *tally = &c->tallies[strategy][memory];
	struct outcome out = { .verdict = VERDICT_EXACT }, regs;
	enum wb_err err = wb_walk(c->walkers[strategy], c->space, sample, frames, sizeof(frames[0]), FRAMES_MAX, &out.count, &out.stop);

	if (err)
		return err;
	judge(m, strategy, &out);
	tally->steps++;
	tally->by_verdict[out.verdict]++;
	err = walk_regs(c, m, sample, strategy, memory, &out, &regs);
	/* A wrong stack or frame pointer is why a later frame was not found. */
	if (!err && is_fault(out.verdict) && regs.verdict != VERDICT_EXACT && regs.is_base) {
		regs.verdict = out.verdict;
		out = regs;
		regs.verdict = VERDICT_EXACT;
	}
	if (is_fault(out.verdict))
		record(c, m, sample, strategy, memory, &out);
	if (regs.verdict == VERDICT_EXACT)
		return err;
	tally->by_verdict[VERDICT_REGISTER]++;
	record(c, m, sample, strategy, memory, &regs);
	return err;
}

__attribute__((noinline)) enum wb_err check_again(struct check *c, const struct wb_sample *sample)
{
	struct wb_stop stop;
	size_t count;
	enum wb_err err = wb_walk(c->walkers[0], c->space, sample, frames, sizeof(frames[0]), FRAMES_MAX, &count, &stop);

	c->again_walks += !err;
	c->again_frames += err ? 0 : count;
	return err;
}

enum wb_err check_moment(struct check *c, struct machine *t, const struct shadow *s, const uint64_t regs[REGS_MAX], unsigned again)
{
	struct moment moment;
	struct wb_region cut[STACKS_MAX];
	struct wb_sample from_sp;
	enum wb_err err;

	machine_refresh(t);
	err = update_space(c, t);
	if (err)
		return err;
	if (!moment_init(&moment, t, s, regs)) {
		moment_deinit(&moment);
		return WB_ERR_IO;
	}
	cut_below(&moment, cut);
	from_sp = moment.sample;
	from_sp.regions = cut;
	for (unsigned i = 0; i < NUM_STRATEGIES && !err; i++) {
		err = walk(c, &moment, &moment.sample, i, 0);
		if (!err)
			err = walk(c, &moment, &from_sp, i, 1);
	}
	for (; again > 0 && !err; again--)
		err = check_again(c, &moment.sample);
	moment_deinit(&moment);
	return err;
}
