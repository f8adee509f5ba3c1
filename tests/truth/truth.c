/* SPDX-License-Identifier: MIT */
/*
 * truth: executes a program one instruction at a time, and compares every walk with the call stack that the execution itself shows.
 *
 * usage: truth [--visits N | --chains | --all] [--from-start] [--hot N] [--max-steps N] [--debug-dir DIR] [--keep DIR] [--pcs FILE]
 *              [--again N] [--goroutine ADDRESS] [--names FILE] [--label TEXT] [--emulate [--root DIR]] PROGRAM [ARGUMENT...]
 *
 * --again: N further walks from each place, with warm caches, to count what they cost: `valgrind --tool=callgrind --toggle-collect=check_again`.
 * --goroutine: a Go program, from where its function at ADDRESS is called until it returns.
 * A program that does not end within 50 million instructions is given up. By default each pc is walked from at its first two visits; --chains: at its first one in each call chain; --all: always. Standard output has lines of
 * words, separated by tabs, for run.sh:
 *     tally LABEL STRATEGY MEMORY STEPS EXACT SHORT WRONG REGISTER CHAIN KNOWN DERIVED DERIVED-WRONG UNKNOWN
 *     group LABEL STRATEGY MEMORY VERDICT STEPS WHERE WHAT REASON
 *     signed LABEL RETURN-ADDRESSES
 *     again LABEL WALKS FRAMES
 *     total LABEL EXECUTED WALKED PCS CHAINS STATUS
 * The status is 0 if it ran, whatever was found; 77 if tracing is not permitted here, or the build has no emulator.
 */
#include "check.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SKIP = 77 };

/* Numbers that were seen, with how often. */
struct seen {
	struct seen_item { uint64_t key; uint32_t count; } *items;
	size_t capacity, count;
};

struct options {
	unsigned visits;              /* walks from each pc; 0: from all */
	bool chains, from_start, emulate;
	unsigned again;               /* further walks from each place */
	unsigned hot;                 /* calls of a function after which it runs at full speed; 0: never */
	uint64_t max_steps;
	uint64_t goroutine;           /* address of a Go program's function; 0: the whole of a program */
	const char *keep, *debug_dir, *pcs, *label, *names;
	const char *root;             /* of the emulated system */
};

struct run {
	struct options options;
	struct machine machine;
	struct shadow shadow;
	struct check check;
	struct seen pcs, chains, callees;
	uint64_t executed, walked;
	uint64_t num_signed;          /* return addresses that an instruction signed */
	bool is_over;                 /* all that was to be followed was */
};

static void *checked(void *memory)
{
	if (!memory) {
		fprintf(stderr, "truth: out of memory\n");
		exit(1);
	}
	return memory;
}

static struct seen_item *seen_place(const struct seen *s, uint64_t key)
{
	size_t at = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & (s->capacity - 1);

	while (s->items[at].count && s->items[at].key != key)
		at = (at + 1) & (s->capacity - 1);
	return &s->items[at];
}

/* How often key was seen before. */
static uint32_t seen_add(struct seen *s, uint64_t key)
{
	struct seen_item *item;

	if (2 * (s->count + 1) > s->capacity) {
		struct seen bigger = { .capacity = s->capacity ? 2 * s->capacity : 1024, .count = s->count };

		bigger.items = checked(calloc(bigger.capacity, sizeof(*bigger.items)));
		for (size_t i = 0; i < s->capacity; i++)
			if (s->items[i].count)
				*seen_place(&bigger, s->items[i].key) = s->items[i];
		free(s->items);
		*s = bigger;
	}
	item = seen_place(s, key);
	s->count += !item->count;
	item->key = key;
	return item->count++;
}

static bool wants(struct run *r, uint64_t pc)
{
	const struct options *options = &r->options;
	uint32_t visits = seen_add(&r->pcs, pc), chains = seen_add(&r->chains, shadow_chain(&r->shadow, pc));

	if (options->chains)
		return !chains;
	return !options->visits || visits < options->visits;
}

/* A function that was called often enough runs at full speed until it returns. */
static enum moved skip_hot(struct run *r, uint64_t *regs)
{
	struct machine *m = &r->machine;
	const struct caller *caller = &r->shadow.callers[r->shadow.count - 1];
	uint64_t before[REGS_MAX];
	enum moved moved;

	if (!r->options.hot || seen_add(&r->callees, regs[m->target->pc]) < r->options.hot)
		return MOVED_STEP;
	memcpy(before, regs, sizeof(before));
	moved = m->ops->run_to(m, caller->pc, caller->regs[m->target->sp]);
	if (moved == MOVED_END)
		return moved;
	m->ops->regs(m, regs);
	m->is_stale = true;
	shadow_follow(&r->shadow, m, INSTRUCTION_JUMP, before, regs);
	return moved;
}

/* Whether an instruction has put a signature into the bits of the link register that addresses leave free. */
static bool has_signed(const struct target *target, const uint64_t *before, const uint64_t *after)
{
	enum { ADDRESS_BITS = 48 };
	uint64_t old, now;

	if (target->link == REG_NONE)
		return false;
	old = before[target->link];
	now = after[target->link];
	return old << (64 - ADDRESS_BITS) == now << (64 - ADDRESS_BITS) && !(old >> ADDRESS_BITS) && now >> ADDRESS_BITS;
}

/* One step, followed by the shadow stack. regs become those after it. */
static enum moved step(struct run *r, uint64_t *regs)
{
	struct machine *m = &r->machine;
	uint64_t before[REGS_MAX];
	const uint8_t *code = NULL;
	size_t size = machine_code(m, regs[m->target->pc], &code);
	enum instruction instruction = size ? m->target->decode(code, size) : INSTRUCTION_OTHER;
	int signal = m->signal;
	enum moved moved;

	memcpy(before, regs, sizeof(before));
	moved = m->ops->step(m);
	r->executed++;
	if (moved == MOVED_END)
		return moved;
	m->ops->regs(m, regs);
	m->is_stale |= instruction == INSTRUCTION_SYSCALL;
	r->num_signed += instruction == INSTRUCTION_OTHER && has_signed(m->target, before, regs);
	if (moved == MOVED_SIGNAL && !memcmp(before, regs, sizeof(before)))
		return moved;
	if (signal && shadow_enter_signal(&r->shadow, m, signal, regs))
		return moved;
	shadow_follow(&r->shadow, m, instruction, before, regs);
	return moved;
}

static enum wb_err run(struct run *r)
{
	uint64_t regs[REGS_MAX] = { 0 };
	enum moved moved = MOVED_STEP;
	size_t base;

	r->machine.ops->regs(&r->machine, regs);
	if (r->options.goroutine)
		shadow_start(&r->shadow, &r->machine, regs);
	base = r->shadow.count;
	while (moved != MOVED_END && r->shadow.count >= base && r->executed < r->options.max_steps) {
		size_t depth = r->shadow.count;

		machine_refresh(&r->machine);
		if (wants(r, regs[r->machine.target->pc])) {
			enum wb_err err = check_moment(&r->check, &r->machine, &r->shadow, regs, r->options.again);

			if (err)
				return err;
			r->walked++;
		}
		moved = step(r, regs);
		if (moved != MOVED_STEP || r->shadow.count != depth + 1 || r->shadow.callers[depth].interrupted)
			continue;
		moved = skip_hot(r, regs);
	}
	r->is_over = moved == MOVED_END || r->shadow.count < base;
	return WB_OK;
}

static void write_pcs(struct run *r, const char *path)
{
	FILE *out = fopen(path, "a");

	for (size_t i = 0; out && i < r->pcs.capacity; i++) {
		uint64_t pc = r->pcs.items[i].key;
		const struct range *range = r->pcs.items[i].count ? machine_range(&r->machine, pc) : NULL;

		if (range)
			fprintf(out, "%s %" PRIx64 "\n", range->path, pc - range->start + range->file_offset);
	}
	if (out)
		fclose(out);
}

static void print(const struct run *r)
{
	const char *label = r->options.label;

	for (size_t i = 0; i < NUM_STRATEGIES * NUM_MEMORIES; i++) {
		const struct tally *t = &r->check.tallies[i / NUM_MEMORIES][i % NUM_MEMORIES];

		printf("tally\t%s\t%s\t%s\t%" PRIu64, label, check_strategies[i / NUM_MEMORIES], check_memories[i % NUM_MEMORIES], t->steps);
		for (size_t j = 0; j < NUM_VERDICTS; j++)
			printf("\t%" PRIu64, t->by_verdict[j]);
		printf("\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n", t->known, t->derived, t->derived_wrong, t->unknown);
	}
	for (size_t i = 0; i < r->check.num_groups; i++) {
		const struct group *g = &r->check.groups[i];

		printf("group\t%s\t%s\t%s\t%s\t%" PRIu64 "\t%s\t%s\t%s\n", label, check_strategies[g->strategy], check_memories[g->memory],
		       check_verdicts[g->verdict], g->steps, g->where, g->what, g->reason);
	}
	if (r->machine.target->link != REG_NONE)
		printf("signed\t%s\t%" PRIu64 "\n", label, r->num_signed);
	if (r->options.again)
		printf("again\t%s\t%" PRIu64 "\t%" PRIu64 "\n", label, r->check.again_walks, r->check.again_frames);
	printf("total\t%s\t%" PRIu64 "\t%" PRIu64 "\t%zu\t%zu\t%d\n", label, r->executed, r->walked, r->pcs.count, r->chains.count,
	       r->machine.has_ended ? r->machine.status : -1);
	if (r->check.inconsistent)
		printf("group\t%s\tauto\tall\twrong\t%" PRIu64 "\tstep by step\tanother walk than the whole\tinconsistent\n", label, r->check.inconsistent);
}

static bool parse(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {
		{ "visits", 1, NULL, 'v' }, { "chains", 0, NULL, 'c' }, { "all", 0, NULL, 'a' }, { "from-start", 0, NULL, 's' },
		{ "hot", 1, NULL, 'h' }, { "max-steps", 1, NULL, 'm' }, { "debug-dir", 1, NULL, 'd' }, { "keep", 1, NULL, 'k' },
		{ "again", 1, NULL, 'i' }, { "goroutine", 1, NULL, 'g' }, { "pcs", 1, NULL, 'p' }, { "label", 1, NULL, 'l' }, { "names", 1, NULL, 'n' },
		{ "emulate", 0, NULL, 'e' }, { "root", 1, NULL, 'r' }, { NULL, 0, NULL, 0 },
	};
	int got;

	*o = (struct options){ .visits = 2, .hot = 32, .max_steps = 50000000 };
	while ((got = getopt_long(argc, argv, "+", known, NULL)) >= 0) {
		switch (got) {
		case 'v': o->visits = (unsigned)strtoul(optarg, NULL, 0); break;
		case 'c': o->chains = true; break;
		case 'a': o->visits = 0; break;
		case 's': o->from_start = true; break;
		case 'h': o->hot = (unsigned)strtoul(optarg, NULL, 0); break;
		case 'm': o->max_steps = strtoull(optarg, NULL, 0); break;
		case 'd': o->debug_dir = optarg; break;
		case 'k': o->keep = optarg; break;
		case 'i': o->again = (unsigned)strtoul(optarg, NULL, 0); break;
		case 'g': o->goroutine = strtoull(optarg, NULL, 0); break;
		case 'p': o->pcs = optarg; break;
		case 'l': o->label = optarg; break;
		case 'n': o->names = optarg; break;
		case 'e': o->emulate = true; break;
		case 'r': o->root = optarg; break;
		default: return false;
		}
	}
	if (optind == argc)
		return false;
	if (!o->label)
		o->label = argv[optind];
	return true;
}

static int start(struct run *r, char *const *arguments)
{
	if (r->options.emulate)
		return machine_start_emulator(&r->machine, arguments, !r->options.from_start, r->options.root);
	if (machine_start_ptrace(&r->machine, arguments, !r->options.from_start))
		return -1;
	if (!r->options.goroutine || r->machine.ops->run_to(&r->machine, r->options.goroutine, 0) == MOVED_STEP)
		return 0;
	errno = ENOEXEC;
	return -1;
}

int main(int argc, char **argv)
{
	struct run r = { .executed = 0 };
	enum wb_err err;

	if (!parse(argc, argv, &r.options)) {
		fprintf(stderr, "usage: truth [OPTION...] PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	if (start(&r, argv + optind)) {
		fprintf(stderr, "truth: %s: %s\n", argv[optind], strerror(errno));
		return errno == EPERM || errno == ENOSYS ? SKIP : 1;
	}
	err = check_init(&r.check, r.options.keep, r.options.debug_dir);
	if (!err && r.options.names)
		err = check_name_by(&r.check, argv[optind], r.options.names);
	if (!err)
		err = run(&r);
	if (err)
		fprintf(stderr, "truth: %s: %s\n", argv[optind], wb_err_text(err));
	else if (!r.is_over)
		fprintf(stderr, "truth: %s: has not ended\n", argv[optind]);
	else
		print(&r);
	if (!err && r.options.pcs)
		write_pcs(&r, r.options.pcs);
	check_deinit(&r.check);
	shadow_deinit(&r.shadow);
	machine_deinit(&r.machine);
	free(r.pcs.items);
	free(r.chains.items);
	free(r.callees.items);
	return err ? 1 : 0;
}
