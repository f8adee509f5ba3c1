/* SPDX-License-Identifier: MIT */
/*
 * Snapshot folders: one stopped thread as files, in the form of libunwindstack's offline tests.
 *
 *   maps.txt     lines of /proc/PID/maps; a path is relative to the folder; an end like ...fff is meant to be included
 *   regs.txt     `name: hex` a line; a register that is not listed is unknown
 *   stack.data, or stack0.data, stack1.data, ...: the start address as a little-endian u64, then the bytes; of stacks, or any other memory
 *   and the objects of maps.txt; debug files may lie in .build-id/
 *
 * The architecture is the one whose registers are listed; the objects must not contradict. An object belongs to the mappings that name it,
 * whatever its build id. Nothing outside the folder is opened.
 */
#include "formats/capture.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "formats/out.h"
#include "formats/snapshot_text.h"
#include "model/image.h"
#include "model/session.h"

enum {
	TEXT_MAX = 16 << 20,          /* bytes of maps.txt: half a million mappings, eight times Linux's limit */
	REGS_MAX = 128,               /* lines of regs.txt that count: no architecture has as many */
	STACKS_MAX = 64,              /* stack files: a thread has two or three stacks */
};

struct snapshot {
	struct wb_capture_input *input;
	struct wb_platform platform;
	struct wb_space *space;
	struct wb_capture_module *modules; /* with references to their images; paths live as long as these */
	size_t num_modules, modules_capacity;
	struct wb_snapshot_reg listed[REGS_MAX];
	size_t num_listed;
	struct wb_reg regs[REGS_MAX];
	size_t num_regs;
	struct wb_region regions[STACKS_MAX];
	struct wb_file *files[STACKS_MAX];
	struct wb_piece pieces[STACKS_MAX];
	size_t num_regions;
	struct wb_context context;
	struct wb_sample sample;
	bool given;                   /* the one sample was handed out */
};

/* The path of a file of the folder, to be freed; NULL when out of memory. */
static char *path_in(const char *folder, const char *file)
{
	struct wb_out path = { 0 };

	if (strcmp(folder, ".")) {
		wb_out_string(&path, folder);
		if (!path.size || path.bytes[path.size - 1] != '/')
			wb_out_char(&path, '/');
	}
	wb_out_string(&path, file);
	wb_out_char(&path, '\0');
	if (!path.failed)
		return path.bytes;
	wb_out_deinit(&path);
	return NULL;
}

static enum wb_err report(const struct snapshot *snapshot, enum wb_err err, const char *file, uint64_t offset, const char *text)
{
	char *path = path_in(snapshot->input->name, file);

	err = wb_diag_report(wb_session_diags(snapshot->input->session), err, WB_DIAG_CAPTURE_MALFORMED, path ? path : file, "", offset, "%s",
	                     text);
	wb_mem_free(path);
	return err;
}

static enum wb_err open_in(const struct snapshot *snapshot, const char *file, struct wb_file **ret_file)
{
	char *path = path_in(snapshot->input->name, file);
	const char *reason;
	enum wb_err err;

	if (!path)
		return WB_ERR_MEMORY;
	err = wb_file_open(path, false, ret_file, &reason);
	wb_mem_free(path);
	return err ? report(snapshot, err, file, UINT64_MAX, reason) : WB_OK;
}

/* WB_OK: it is there; WB_NONE; WB_ERR_MEMORY. */
static enum wb_err find_in(const char *folder, const char *file, enum wb_file_kind kind)
{
	char *path = path_in(folder, file);
	enum wb_err err = !path ? WB_ERR_MEMORY : wb_file_kind(path) == kind ? WB_OK : WB_NONE;

	wb_mem_free(path);
	return err;
}

/* ---- Text files, line by line ---- */

struct text {
	struct wb_file *file;
	struct wb_piece piece;
	struct wb_snapshot_text lines;
};

static void text_close(struct text *text)
{
	wb_piece_deinit(&text->piece);
	wb_file_free(text->file);
}

static enum wb_err text_open(const struct snapshot *snapshot, const char *file, struct text *text)
{
	enum wb_err err;

	*text = (struct text){ 0 };
	err = open_in(snapshot, file, &text->file);
	if (err)
		return err;
	if (wb_file_size(text->file) > TEXT_MAX)
		err = report(snapshot, WB_ERR_LIMIT, file, TEXT_MAX, "longer than 16 MiB");
	else
		err = wb_file_piece(text->file, 0, wb_file_size(text->file), &text->piece);
	if (err)
		text_close(text);
	else
		text->lines = (struct wb_snapshot_text){ (const char *)text->piece.bytes, text->piece.size, 0, 0 };
	return err;
}

/* ---- regs.txt ---- */

static enum wb_err read_regs(struct snapshot *snapshot)
{
	struct wb_snapshot_span line;
	struct text text;
	enum wb_err err = text_open(snapshot, "regs.txt", &text);

	if (err)
		return err;
	while (!err && wb_snapshot_next_line(&text.lines, &line)) {
		if (snapshot->num_listed == REGS_MAX)
			err = report(snapshot, WB_ERR_LIMIT, "regs.txt", text.lines.line, "more than 128 registers");
		else if (wb_snapshot_parse_reg(line, &snapshot->listed[snapshot->num_listed]))
			snapshot->num_listed++;
		else
			err = report(snapshot, WB_ERR_DATA, "regs.txt", text.lines.line, "line is not `name: hex`");
	}
	text_close(&text);
	return err;
}

/* How many of the listed registers an architecture knows; 0 without its program counter. */
static size_t count_known(const struct snapshot *snapshot, enum wb_arch arch)
{
	size_t known = 0;
	bool has_pc = false;

	for (size_t i = 0; i < snapshot->num_listed; i++) {
		uint32_t number;

		if (wb_reg_from_name(arch, snapshot->listed[i].name, &number))
			continue;
		known++;
		has_pc |= number == WB_REG_PC;
	}
	return has_pc ? known : 0;
}

/* The architecture that knows most of the names, and at least half of them: r8 alone is on many. */
static enum wb_err choose_arch(struct snapshot *snapshot)
{
	enum wb_arch best = WB_ARCH_UNKNOWN;
	size_t most = 0;

	for (unsigned arch = WB_ARCH_X86_64; arch <= WB_ARCH_S390X; arch++) {
		size_t known = count_known(snapshot, (enum wb_arch)arch);

		if (known > most) {
			most = known;
			best = (enum wb_arch)arch;
		}
	}
	if (most * 2 < snapshot->num_listed || !most)
		return report(snapshot, WB_ERR_UNSUPPORTED, "regs.txt", UINT64_MAX,
		              "these are the registers of no architecture that is supported here");
	/* Of those that have two byte orders, the usual one: nothing in a snapshot tells. */
	snapshot->platform = (struct wb_platform){ .arch = best, .big_endian = best == WB_ARCH_S390X, .os = WB_OS_LINUX };
	for (size_t i = 0; i < snapshot->num_listed; i++) {
		uint32_t number;

		if (!wb_reg_from_name(best, snapshot->listed[i].name, &number))
			snapshot->regs[snapshot->num_regs++] = (struct wb_reg){ .number = number, .value = snapshot->listed[i].value };
	}
	return WB_OK;
}

/* ---- maps.txt ---- */

/* Whether any part of a path is "..": such a path could leave the folder. */
static bool leaves_folder(const char *path)
{
	for (const char *at = path; at; at = strchr(at, '/')) {
		at += *at == '/';
		if (at[0] == '.' && at[1] == '.' && (!at[2] || at[2] == '/'))
			return true;
	}
	return false;
}

static const struct wb_capture_module *find_module(const struct snapshot *snapshot, const char *path)
{
	for (size_t i = snapshot->num_modules; i--;)
		if (!strcmp(snapshot->modules[i].path, path))
			return &snapshot->modules[i];
	return NULL;
}

static enum wb_err add_module(struct snapshot *snapshot, struct wb_image *image, const char *path, uint64_t address)
{
	void *modules = snapshot->modules;
	char *copy = wb_mem_strdup(path);

	if (!copy || !wb_mem_grow(&modules, &snapshot->modules_capacity, snapshot->num_modules, 1, sizeof(*snapshot->modules))) {
		wb_mem_free(copy);
		wb_image_unref(image);
		return WB_ERR_MEMORY;
	}
	snapshot->modules = modules;
	snapshot->modules[snapshot->num_modules++] = (struct wb_capture_module){ .image = image, .address = address, .path = copy };
	return WB_OK;
}

static enum wb_err check_platform(const struct snapshot *snapshot, struct wb_image *image, const char *path)
{
	enum wb_arch arch = wb_image_platform(image).arch;

	if (arch == WB_ARCH_UNKNOWN || arch == snapshot->platform.arch)
		return WB_OK;
	return report(snapshot, WB_ERR_DATA, path, UINT64_MAX, "the object is of another architecture than the registers");
}

/* The image of a path of maps.txt, from the folder's file if there is one. The module's image is never NULL. */
static enum wb_err module_of(struct snapshot *snapshot, const char *path, uint64_t address, const struct wb_capture_module **ret_module)
{
	struct wb_identity identity = { .size = sizeof(identity), .platform = snapshot->platform, .path = path };
	struct wb_image *image = NULL;
	enum wb_err err = WB_NONE;

	*ret_module = find_module(snapshot, path);
	if (*ret_module)
		return WB_OK;
	if (*path != '/' && !leaves_folder(path))
		err = find_in(snapshot->input->name, path, WB_FILE_KIND_REGULAR);
	if (err == WB_ERR_MEMORY)
		return err;
	if (!err) {
		char *file = path_in(snapshot->input->name, path);

		err = file ? wb_image_open_mapped(snapshot->input->session, file, snapshot->platform.arch, &image) : WB_ERR_MEMORY;
		wb_mem_free(file);
		if (err == WB_ERR_MEMORY)
			return err;
		if (!err)
			err = check_platform(snapshot, image, path);
		if (image && err) {
			wb_image_unref(image);
			return err;
		}
	}
	/* A damaged object was reported; its mapping stays, without a file. */
	if (err)
		err = wb_image_new(snapshot->input->session, &identity, &image);
	if (!err)
		err = add_module(snapshot, image, path, address);
	if (!err)
		*ret_module = &snapshot->modules[snapshot->num_modules - 1];
	return err;
}

static enum wb_err add_mapping(struct snapshot *snapshot, struct wb_mapping *mapping, const char *path)
{
	const struct wb_capture_module *module = NULL;
	struct wb_space *next;
	enum wb_err err = *path ? module_of(snapshot, path, mapping->start, &module) : WB_OK;

	if (err)
		return err;
	mapping->image = module ? module->image : NULL;
	err = wb_space_map(snapshot->space, mapping, 1, &next);
	if (err)
		return err;
	wb_space_unref(snapshot->space);
	snapshot->space = next;
	return WB_OK;
}

static enum wb_err read_maps(struct snapshot *snapshot)
{
	struct wb_snapshot_span line;
	struct text text;
	enum wb_err err = text_open(snapshot, "maps.txt", &text);

	if (err)
		return err;
	while (!err && wb_snapshot_next_line(&text.lines, &line)) {
		struct wb_mapping mapping = { .size = sizeof(mapping) };
		struct wb_out path = { 0 };

		if (!wb_snapshot_parse_map(&line, &mapping)) {
			err = report(snapshot, WB_ERR_DATA, "maps.txt", text.lines.line, "line is not a mapping as in /proc/PID/maps");
			break;
		}
		wb_out_bytes(&path, line.at, (size_t)(line.end - line.at));
		wb_out_char(&path, '\0');
		err = path.failed ? WB_ERR_MEMORY : add_mapping(snapshot, &mapping, path.bytes);
		wb_out_deinit(&path);
	}
	text_close(&text);
	return err;
}

/* ---- stack*.data ---- */

static enum wb_err read_stack(struct snapshot *snapshot, const char *name)
{
	size_t i = snapshot->num_regions;
	uint64_t size, address;
	uint8_t start[8];
	enum wb_err err = open_in(snapshot, name, &snapshot->files[i]);

	if (err)
		return err;
	size = wb_file_size(snapshot->files[i]);
	if (size < sizeof(start))
		err = report(snapshot, WB_ERR_DATA, name, size, "ends within the start address");
	else if (size - sizeof(start) > snapshot->input->opts.max_memory)
		err = report(snapshot, WB_ERR_LIMIT, name, UINT64_MAX, "larger than the memory limit");
	else
		err = wb_file_read(snapshot->files[i], 0, start, sizeof(start));
	if (!err)
		err = wb_file_piece(snapshot->files[i], sizeof(start), size - sizeof(start), &snapshot->pieces[i]);
	if (err) {
		wb_file_free(snapshot->files[i]);
		return err;
	}
	address = wb_load64(start, false);
	snapshot->num_regions++;
	if (size - sizeof(start) > UINT64_MAX - address)
		return report(snapshot, WB_ERR_DATA, name, 0, "reaches past the last address");
	snapshot->regions[i] = (struct wb_region){ address, snapshot->pieces[i].bytes, snapshot->pieces[i].size };
	return WB_OK;
}

/* Regions have to be sorted and disjoint. There are few. */
static enum wb_err sort_regions(struct snapshot *snapshot)
{
	struct wb_region *regions = snapshot->regions;

	for (size_t i = 1; i < snapshot->num_regions; i++) {
		struct wb_region region = regions[i];
		size_t at = i;

		for (; at && regions[at - 1].address > region.address; at--)
			regions[at] = regions[at - 1];
		regions[at] = region;
	}
	for (size_t i = 1; i < snapshot->num_regions; i++)
		if (regions[i].address - regions[i - 1].address < regions[i - 1].size)
			return report(snapshot, WB_ERR_DATA, "stack*.data", UINT64_MAX, "two stacks overlap");
	return WB_OK;
}

static enum wb_err read_stacks(struct snapshot *snapshot)
{
	const char *folder = snapshot->input->name;
	enum wb_err err = find_in(folder, "stack.data", WB_FILE_KIND_REGULAR);

	if (!err)
		err = read_stack(snapshot, "stack.data");
	else if (err == WB_NONE)
		err = WB_OK;
	for (unsigned i = 0; i < STACKS_MAX - 1 && !err; i++) {
		struct wb_out name = { 0 };

		wb_out_string(&name, "stack");
		wb_out_decimal(&name, i, 1);
		wb_out_bytes(&name, ".data", 6);
		err = name.failed ? WB_ERR_MEMORY : WB_OK;
		if (!err)
			err = find_in(folder, name.bytes, WB_FILE_KIND_REGULAR);
		if (!err)
			err = read_stack(snapshot, name.bytes);
		wb_out_deinit(&name);
	}
	return err < 0 ? err : sort_regions(snapshot);
}

/* Whether a region lies in a mapping that may have been made of an image: of a file, or executable. Stacks do not. */
static bool may_be_image(const struct snapshot *snapshot, const struct wb_region *region)
{
	struct wb_place place = { .size = sizeof(place) };

	return wb_space_find(snapshot->space, region->address, &place) == WB_OK && (place.image || place.prot & WB_PROT_EXEC);
}

/* The space has what may be read of images, too, with a copy of its own: it may outlive the capture. */
static enum wb_err share_regions(struct snapshot *snapshot)
{
	enum wb_err err = WB_OK;

	for (size_t i = 0; i < snapshot->num_regions && !err; i++) {
		const struct wb_region *region = &snapshot->regions[i];
		struct wb_memory memory = { .size = sizeof(memory), .start = region->address, .end = region->address + region->size,
		                            .release = wb_mem_free };
		struct wb_space *next;

		if (!region->size || !may_be_image(snapshot, region))
			continue;
		memory.bytes = memory.arg = wb_mem_dup(region->bytes, region->size);
		if (!memory.bytes)
			return WB_ERR_MEMORY;
		err = wb_space_add_memory(snapshot->space, &memory, &next);
		if (err)
			return err;
		wb_space_unref(snapshot->space);
		snapshot->space = next;
	}
	return err;
}

/* ---- The format ---- */

static enum wb_err snapshot_probe_folder(const char *path)
{
	return find_in(path, "regs.txt", WB_FILE_KIND_REGULAR);
}

static void snapshot_free(void *state)
{
	struct snapshot *snapshot = state;

	if (!snapshot)
		return;
	wb_space_unref(snapshot->space);
	for (size_t i = 0; i < snapshot->num_modules; i++) {
		wb_image_unref(snapshot->modules[i].image);
		wb_mem_free((char *)(uintptr_t)snapshot->modules[i].path);
	}
	wb_mem_free(snapshot->modules);
	for (size_t i = 0; i < snapshot->num_regions; i++) {
		wb_piece_deinit(&snapshot->pieces[i]);
		wb_file_free(snapshot->files[i]);
	}
	wb_mem_free(snapshot);
}

static enum wb_err read_folder(struct snapshot *snapshot)
{
	enum wb_err err = read_regs(snapshot);

	if (!err)
		err = choose_arch(snapshot);
	if (!err)
		err = wb_space_new(snapshot->input->session, &snapshot->platform, &snapshot->space);
	if (!err)
		err = read_maps(snapshot);
	if (!err)
		err = read_stacks(snapshot);
	if (!err)
		err = share_regions(snapshot);
	if (!err)
		err = find_in(snapshot->input->name, ".build-id", WB_FILE_KIND_FOLDER);
	if (!err)
		err = wb_session_add_debug_dir(snapshot->input->session, snapshot->input->name);
	return err == WB_NONE ? WB_OK : err;
}

static enum wb_err snapshot_open(struct wb_capture_input *input, void **ret_state)
{
	struct snapshot *snapshot = wb_mem_zalloc(1, sizeof(*snapshot));
	enum wb_err err;

	if (!snapshot)
		return WB_ERR_MEMORY;
	snapshot->input = input;
	err = read_folder(snapshot);
	if (err) {
		snapshot_free(snapshot);
		return err;
	}
	snapshot->context = (struct wb_context){ .regs = snapshot->regs, .num_regs = snapshot->num_regs, .pc_kind = WB_PC_EXACT };
	snapshot->sample = (struct wb_sample){ .size = sizeof(snapshot->sample), .contexts = &snapshot->context, .num_contexts = 1,
	                                       .regions = snapshot->regions, .num_regions = snapshot->num_regions,
	                                       .cpu = UINT32_MAX, .comm = "" };
	*ret_state = snapshot;
	return WB_OK;
}

static enum wb_err snapshot_fill(void *state, size_t max, struct wb_capture_batch *batch)
{
	struct snapshot *snapshot = state;
	enum wb_err err;

	if (snapshot->given || !max)
		return snapshot->given ? WB_NONE : WB_OK;
	/* A batch holds the capture, and so the space and the sample. */
	err = wb_capture_batch_add(batch, snapshot->space, &snapshot->sample);
	if (err)
		return err;
	snapshot->given = true;
	return WB_NONE;
}

static enum wb_err snapshot_info(void *state, struct wb_capture_info *info)
{
	const struct snapshot *snapshot = state;

	info->platform = snapshot->platform;
	info->hostname = info->os_release = info->command_line = "";
	info->modules = snapshot->modules;
	info->num_modules = snapshot->num_modules;
	info->samples = info->records = snapshot->given;
	return WB_OK;
}

const struct wb_capture_format wb_capture_format_snapshot = {
	.name = "snapshot",
	.probe_folder = snapshot_probe_folder,
	.open = snapshot_open,
	.fill = snapshot_fill,
	.info = snapshot_info,
	.free = snapshot_free,
};
