/* SPDX-License-Identifier: MIT */
/*
 * libunwind's remote unwinding with its global cache, fed as perf feeds it: proc info from .eh_frame_hdr's table; memory from
 * the sample's stack and the mapped files. One address space for all samples. No .debug_frame: Debian's libunwind does not
 * export the call that perf would make for it, and perf goes without.
 */
#include <elf.h>
#include <endian.h>
#include <libunwind-x86_64.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_walk.h"

/* Exported, but declared in no installed header; perf declares it itself, too. */
extern int _Ux86_64_dwarf_search_unwind_table(unw_addr_space_t as, unw_word_t ip, unw_dyn_info_t *di, unw_proc_info_t *pi,
                                              int need_unwind_info, void *arg);

struct table {
	uint64_t header;    /* address of .eh_frame_hdr in the process; 0 if there is no binary search table */
	uint64_t entries;   /* address of its table */
	uint64_t count;
};

struct state {
	const struct flat *flat;
	const struct flat_sample *sample;
	struct table *tables;   /* per file of the flat */
	unw_addr_space_t space;
};

/* .eh_frame_hdr as GNU ld writes it: version 1, eh_frame_ptr sdata4 pcrel, count udata4, table sdata4 datarel (LSB 5.0, 10.6.2). */
static void table_read(const struct flat_file *file, struct table *table)
{
	static const uint8_t usual[4] = { 1, 0x1b, 0x03, 0x3b };
	const Elf64_Ehdr *ehdr = (const Elf64_Ehdr *)file->bytes;

	if (!file->bytes || file->size < sizeof(*ehdr) || memcmp(ehdr->e_ident, ELFMAG, SELFMAG) != 0)
		return;
	const Elf64_Phdr *phdrs = (const Elf64_Phdr *)(file->bytes + ehdr->e_phoff);
	for (unsigned i = 0; i < ehdr->e_phnum; i++) {
		uint32_t count;

		if (phdrs[i].p_type != PT_GNU_EH_FRAME || memcmp(file->bytes + phdrs[i].p_offset, usual, sizeof(usual)) != 0)
			continue;
		memcpy(&count, file->bytes + phdrs[i].p_offset + 8, sizeof(count));
		table->header = file->bias + phdrs[i].p_vaddr;
		table->entries = table->header + 12;
		table->count = count;
	}
}

static int find_proc_info(unw_addr_space_t as, unw_word_t ip, unw_proc_info_t *info, int need_unwind_info, void *arg)
{
	struct state *state = arg;
	const struct flat_file *file = flat_find_file(state->flat, ip);
	const struct table *table = file ? &state->tables[file - state->flat->files] : NULL;
	unw_dyn_info_t di = { 0 };

	if (!table || !table->header)
		return -UNW_ENOINFO;
	di.format = UNW_INFO_FORMAT_REMOTE_TABLE;
	di.start_ip = file->start;
	di.end_ip = file->end;
	di.u.rti.segbase = table->header;
	di.u.rti.table_data = table->entries;
	di.u.rti.table_len = table->count * 8 / sizeof(unw_word_t);
	return _Ux86_64_dwarf_search_unwind_table(as, ip, &di, info, need_unwind_info, arg);
}

static void put_unwind_info(unw_addr_space_t as, unw_proc_info_t *info, void *arg)
{
	(void)as, (void)info, (void)arg;
}

static int get_dyn_info_list_addr(unw_addr_space_t as, unw_word_t *address, void *arg)
{
	(void)as, (void)address, (void)arg;
	return -UNW_ENOINFO;
}

static int access_mem(unw_addr_space_t as, unw_word_t address, unw_word_t *value, int write, void *arg)
{
	struct state *state = arg;

	(void)as;
	return write || flat_word(state->flat, state->sample, address, value) != 0 ? -UNW_EINVAL : 0;
}

static int access_reg(unw_addr_space_t as, unw_regnum_t number, unw_word_t *value, int write, void *arg)
{
	struct state *state = arg;

	(void)as;
	/* On x86-64 libunwind numbers registers as DWARF does. */
	if (write || number < 0 || number >= FLAT_REGS)
		return -UNW_EBADREG;
	*value = state->sample->regs[number];
	return 0;
}

static int access_fpreg(unw_addr_space_t as, unw_regnum_t number, unw_fpreg_t *value, int write, void *arg)
{
	(void)as, (void)number, (void)value, (void)write, (void)arg;
	return -UNW_EINVAL;
}

static int resume(unw_addr_space_t as, unw_cursor_t *cursor, void *arg)
{
	(void)as, (void)cursor, (void)arg;
	return -UNW_EINVAL;
}

static int get_proc_name(unw_addr_space_t as, unw_word_t address, char *name, size_t size, unw_word_t *offset, void *arg)
{
	(void)as, (void)address, (void)name, (void)size, (void)offset, (void)arg;
	return -UNW_EINVAL;
}

static int engine_open(const struct flat *flat, void **ret_state)
{
	static unw_accessors_t accessors = {
		.find_proc_info = find_proc_info,
		.put_unwind_info = put_unwind_info,
		.get_dyn_info_list_addr = get_dyn_info_list_addr,
		.access_mem = access_mem,
		.access_reg = access_reg,
		.access_fpreg = access_fpreg,
		.resume = resume,
		.get_proc_name = get_proc_name,
	};
	struct state *state = calloc(1, sizeof(*state));

	if (!state)
		return -1;
	state->flat = flat;
	state->tables = calloc(flat->num_files + 1, sizeof(*state->tables));
	state->space = unw_create_addr_space(&accessors, __LITTLE_ENDIAN);
	if (!state->tables || !state->space)
		return -1;
	unw_set_caching_policy(state->space, UNW_CACHE_GLOBAL);
	for (size_t i = 0; i < flat->num_files; i++)
		table_read(&flat->files[i], &state->tables[i]);
	*ret_state = state;
	return 0;
}

static size_t engine_walk(void *arg, const struct flat_sample *sample, uint64_t *pcs, int *ret_complete)
{
	struct state *state = arg;
	unw_cursor_t cursor;
	size_t count = 0;
	int more = 1;

	state->sample = sample;
	if (unw_init_remote(&cursor, state->space, state) != 0)
		return 0;
	do {
		unw_word_t pc;

		if (unw_get_reg(&cursor, UNW_REG_IP, &pc) != 0 || pc == 0)
			break;
		if (count > 0 && unw_is_signal_frame(&cursor) <= 0)
			pc--;
		if (pcs)
			pcs[count] = pc;
		count++;
	} while (count < BENCH_MAX_FRAMES && (more = unw_step(&cursor)) > 0);
	*ret_complete = more == 0;
	return count;
}

int main(int argc, char **argv)
{
	static const struct bench_engine engine = { .name = "libunwind", .open = engine_open, .walk = engine_walk };

	return bench_walk_main(argc, argv, &engine);
}
