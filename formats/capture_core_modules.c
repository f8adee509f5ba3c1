/* SPDX-License-Identifier: MIT */
/*
 * The modules of an ELF core, and the mappings. A module is told by where its ELF header lies in memory: the headers and the build id are
 * read from the dump's own bytes, and what belongs to a module is what its program headers say, segment by segment. NT_FILE names the
 * files, whatever became of them since; where it is missing (qemu, old kernels), every segment that starts with an ELF header is a module.
 */
#include "formats/capture_core.h"

#include "base/mem.h"
#include "model/image.h"
#include "model/space.h"

#include <string.h>

enum {
	ELF_HEADER_SIZE = 64,
	PT_LOAD = 1, PT_DYNAMIC = 2, PT_NOTE = 4,
	NT_GNU_BUILD_ID = 3,
	NOTES_MAX = 4096,             /* bytes of notes that a build id is looked for in */
	VDSO_MAX = 1 << 20,           /* bytes; Linux's have two or three pages */
	PAGE_MAX = 64 << 10,          /* largest page: segments are mapped in whole pages */
	MODULES_MAX = 1 << 14,        /* the largest programs have some thousand */
	MAPPINGS_MAX = (1 << 17) - 1, /* that a space takes; Linux's default limit is half of it */
	ANONYMOUS_MAX = 3 << 15,      /* of them, so that room is left for files */
};

/* ---- A module's own headers, out of memory ---- */

enum wb_err wb_core_read_module_headers(const struct core *core, uint64_t address, struct core_header **ret_headers, size_t *ret_count)
{
	uint8_t head[ELF_HEADER_SIZE];
	size_t size = core->is_64 ? 64 : 52, entry_size = wb_core_header_size(core);
	struct core_header *headers;
	struct wb_bytes b = core_bytes(core, head, size);
	uint16_t entry, count;
	uint8_t *table;
	uint64_t phoff;

	if (wb_core_read(core->memory, address, head, size) || memcmp(head, "\177ELF", 4) || head[4] != (core->is_64 ? 2 : 1))
		return WB_NONE;
	wb_bytes_seek(&b, core->is_64 ? 32 : 28);
	phoff = core_word(core, &b);
	wb_bytes_seek(&b, core->is_64 ? 54 : 42);
	entry = wb_bytes_u16(&b);
	count = wb_bytes_u16(&b);
	if (!count || count > CORE_HEADERS_MAX || entry != entry_size || !wb_u64_add(address, phoff, &phoff))
		return WB_NONE;
	table = wb_mem_alloc(count * entry_size);
	headers = wb_mem_zalloc(count, sizeof(*headers));
	if (!table || !headers || wb_core_read(core->memory, phoff, table, count * entry_size)) {
		enum wb_err err = table && headers ? WB_NONE : WB_ERR_MEMORY;

		wb_mem_free(table);
		wb_mem_free(headers);
		return err;
	}
	b = core_bytes(core, table, count * entry_size);
	for (size_t i = 0; i < count; i++)
		headers[i] = wb_core_read_header(core, &b);
	wb_mem_free(table);
	*ret_headers = headers;
	*ret_count = count;
	return WB_OK;
}

/* Linux's notes: sizes of name and description, type, name, description, each padded to 4 bytes. Each turn consumes 12 bytes at least. */
static size_t find_build_id(const struct core *core, const uint8_t *notes, size_t size, uint8_t *ret_id)
{
	struct wb_bytes b = core_bytes(core, notes, size);

	while (!wb_bytes_at_end(&b)) {
		uint32_t name_size = wb_bytes_u32(&b), desc_size = wb_bytes_u32(&b), type = wb_bytes_u32(&b);
		const uint8_t *name = wb_bytes_take(&b, ((size_t)name_size + 3) & ~(size_t)3), *desc;

		if (!name)
			break;
		desc = wb_bytes_take(&b, desc_size);
		if (!desc)
			break;
		if (type == NT_GNU_BUILD_ID && name_size == 4 && !memcmp(name, "GNU", 4) && desc_size && desc_size <= CORE_BUILD_ID_MAX) {
			memcpy(ret_id, desc, desc_size);
			return desc_size;
		}
		if (desc_size % 4 && !wb_bytes_skip(&b, 4 - desc_size % 4))
			break;
	}
	return 0;
}

/* The module's build id as the dump's memory has it; 0 bytes if that page was not dumped. */
static size_t read_build_id(const struct core *core, const struct core_module *module, uint8_t *ret_id)
{
	uint8_t notes[NOTES_MAX];
	size_t size = 0;

	for (size_t i = 0; i < module->num_headers && !size; i++) {
		const struct core_header *header = &module->headers[i];
		size_t count = header->filesz < sizeof(notes) ? (size_t)header->filesz : sizeof(notes);

		if (header->type == PT_NOTE && count && !wb_core_read(core->memory, module->bias + header->vaddr, notes, count))
			size = find_build_id(core, notes, count, ret_id);
	}
	return size;
}

/* ---- The table ---- */

/* The address where offset 0 of the file is loaded is that of the first segment, less its offset. */
static void use_headers(struct core_module *module)
{
	bool has_bias = false;

	for (size_t i = 0; i < module->num_headers && !has_bias; i++) {
		const struct core_header *header = &module->headers[i];

		has_bias = header->type == PT_LOAD;
		module->bias = module->start - (header->vaddr - header->offset);
	}
	for (size_t i = 0; i < module->num_headers && has_bias; i++)
		if (module->headers[i].type == PT_DYNAMIC)
			module->dynamic = module->bias + module->headers[i].vaddr;
	if (!has_bias)
		module->num_headers = 0;
}

enum wb_err wb_core_add_module(struct core *core, uint64_t start, const char *path, struct core_header *headers, size_t num_headers,
                               struct core_module **ret_module)
{
	char *copy = core->num_modules < MODULES_MAX ? wb_mem_strdup(path) : NULL;
	struct core_module *module;

	if (!copy || !wb_mem_grow((void **)&core->modules, &core->modules_capacity, core->num_modules, 1, sizeof(*module))) {
		wb_mem_free(copy);
		wb_mem_free(headers);
		if (core->num_modules < MODULES_MAX)
			return WB_ERR_MEMORY;
		wb_core_report(core, WB_OK, WB_DIAG_CAPTURE_MALFORMED, UINT64_MAX, "more modules than any process has; the rest is left out");
		return WB_NONE;
	}
	module = &core->modules[core->num_modules++];
	*module = (struct core_module){ .start = start, .path = copy, .headers = headers, .num_headers = num_headers };
	use_headers(module);
	*ret_module = module;
	return WB_OK;
}

static void module_deinit(struct core_module *module)
{
	wb_image_unref(module->image);
	wb_mem_free(module->path);
	wb_mem_free(module->link_name);
	wb_mem_free(module->headers);
}

void wb_core_modules_deinit(struct core *core)
{
	for (size_t i = 0; i < core->num_modules; i++)
		module_deinit(&core->modules[i]);
	wb_mem_free(core->modules);
	wb_mem_free(core->shown);
	wb_mem_free(core->mappings);
}

static enum wb_err make_image(struct core *core, struct core_module *module)
{
	struct wb_identity identity = { .size = sizeof(identity), .platform = core->platform, .path = module->path };
	uint8_t id[CORE_BUILD_ID_MAX];

	identity.build_id_size = read_build_id(core, module, id);
	identity.build_id = identity.build_id_size ? id : NULL;
	return wb_image_new(core->input->session, &identity, &module->image);
}

/* ---- Mappings ---- */

enum wb_err wb_core_map_file(struct core *core, uint64_t start, uint64_t end, uint64_t file_offset, uint32_t prot, struct wb_image *image)
{
	if (core->num_mapped == MAPPINGS_MAX)
		return wb_core_report(core, WB_OK, WB_DIAG_CAPTURE_MALFORMED, UINT64_MAX, "more mappings than a process can have here; the rest is left out");
	if (!wb_mem_grow((void **)&core->mappings, &core->mappings_capacity, core->num_mappings, 1, sizeof(core->mappings[0])))
		return WB_ERR_MEMORY;
	core->mappings[core->num_mappings++] = (struct wb_mapping){ .size = sizeof(core->mappings[0]), .start = start, .end = end,
	                                                            .file_offset = file_offset, .prot = prot, .image = image };
	core->num_mapped++;
	return WB_OK;
}

enum wb_err wb_core_flush_mappings(struct core *core)
{
	struct wb_space *next;
	enum wb_err err = wb_space_map(core->space, core->mappings, core->num_mappings, &next);

	/* Ranges of files cut others in two: those may be too many then. */
	if (err == WB_ERR_LIMIT)
		return wb_core_report(core, err, WB_DIAG_CAPTURE_MALFORMED, UINT64_MAX, "more mappings than a process can have here");
	if (err)
		return err;
	core->num_mappings = 0;
	wb_space_unref(core->space);
	core->space = next;
	return WB_OK;
}

/* A range of a file, with the protection that the core's segments have there. */
static enum wb_err map_range(struct core *core, const struct core_file *file, struct wb_image *image)
{
	const struct core_memory *memory = core->memory;
	enum wb_err err = WB_OK;

	for (uint64_t at = file->start; !err && at < file->end;) {
		size_t i = wb_core_segment_above(memory, at);
		const struct core_segment *segment = i < memory->num_segments && memory->segments[i].start < file->end ? &memory->segments[i] : NULL;
		uint32_t prot = WB_PROT_UNKNOWN;
		uint64_t end = file->end;

		if (segment && segment->start <= at) {
			prot = segment->prot;
			end = segment->end < end ? segment->end : end;
		} else if (segment) {
			end = segment->start;
		}
		err = wb_core_map_file(core, at, end, file->offset + (at - file->start), prot, image);
		at = end;
	}
	return err;
}

/* How far into its first page a segment starts: it is mapped from there. Segments are congruent to their offsets modulo the page; which size that
 * has, the core does not say: 4 KiB is the smallest. */
static uint64_t start_in_page(const struct core_header *header)
{
	return (header->vaddr ^ header->offset) & 0xfff ? 0 : header->vaddr & 0xfff;
}

enum wb_err wb_core_map_by_headers(struct core *core, struct core_module *module)
{
	enum wb_err err = module->image ? WB_OK : make_image(core, module);

	for (size_t i = 0; !err && i < module->num_headers; i++) {
		const struct core_header *header = &module->headers[i];
		uint64_t before = start_in_page(header), start = module->bias + header->vaddr - before, end, size;

		if (header->type != PT_LOAD || !header->memsz || !wb_u64_add(header->memsz, before + 0xfff, &size))
			continue;
		if (!wb_u64_add(start, size & ~UINT64_C(0xfff), &end) || start >= end)
			continue;
		err = wb_core_map_file(core, start, end, header->offset - before, header->prot, module->image);
	}
	return err;
}

/* All that was mapped, before files are put on it: the mappings that have none stay. */
static enum wb_err map_segments(struct core *core)
{
	const struct core_memory *memory = core->memory;
	enum wb_err err = WB_OK;

	for (size_t i = 0; !err && i < memory->num_segments && i < ANONYMOUS_MAX; i++)
		err = wb_core_map_file(core, memory->segments[i].start, memory->segments[i].end, 0, memory->segments[i].prot, NULL);
	return err;
}

/* ---- NT_FILE ---- */

/* Whether a range of a file is one of the module's segments, by place and by offset. */
static bool holds_range(const struct core_module *module, const struct core_file *file)
{
	for (size_t i = 0; i < module->num_headers; i++) {
		const struct core_header *header = &module->headers[i];
		uint64_t address = module->bias + header->vaddr;

		/* Loaders widen segments to whole pages, and split them where protections change. */
		if (header->type == PT_LOAD && file->start < address + header->memsz + PAGE_MAX && file->end + PAGE_MAX > address &&
		    file->start - (file->offset - module->file_offset) == address - header->offset)
			return true;
	}
	return false;
}

static bool is_executable(const struct core *core, const struct core_file *file)
{
	const struct core_memory *memory = core->memory;

	for (size_t i = wb_core_segment_above(memory, file->start); i < memory->num_segments && memory->segments[i].start < file->end; i++)
		if (memory->segments[i].prot & WB_PROT_EXEC)
			return true;
	return false;
}

/* Whether a file without headers in the dump is code at all: one of the ranges of its name that follow is executable. */
static bool has_code(const struct core *core, size_t first)
{
	enum { NEIGHBOURS = 8 };      /* ranges of a module: four or five */

	for (size_t i = first; i < core->num_files && i < first + NEIGHBOURS && !strcmp(core->files[i].path, core->files[first].path); i++)
		if (is_executable(core, &core->files[i]))
			return true;
	return false;
}

/* A module that begins with this range; WB_NONE: no module, but data. */
static enum wb_err begin_module(struct core *core, size_t index, struct core_module **ret_module)
{
	const struct core_file *file = &core->files[index];
	struct core_header *headers = NULL;
	struct core_module *module;
	size_t num_headers = 0;
	/* Not at the start of an archive, which Android's libraries are mapped out of. */
	enum wb_err err = wb_core_read_module_headers(core, file->start, &headers, &num_headers);

	if (err == WB_NONE && !has_code(core, index))
		return WB_NONE;
	if (err < 0)
		return err;
	err = wb_core_add_module(core, file->start, file->path, headers, num_headers, &module);
	if (err)
		return err;
	module->file_offset = file->offset;
	err = make_image(core, module);
	if (!err)
		*ret_module = module;
	return err;
}

/* The ranges are sorted; those of a module follow its header. The last module of the same name is tried: files of others may lie between. */
static struct core_module *module_of_range(struct core *core, const struct core_file *file)
{
	enum { BACK = 8 };            /* modules that are looked back at */

	for (size_t i = core->num_modules; i > 0 && core->num_modules - i < BACK; i--) {
		struct core_module *module = &core->modules[i - 1];

		if (strcmp(module->path, file->path))
			continue;
		/* Without headers, a range that does not begin a file can only be a part of the one before. */
		return module->num_headers ? holds_range(module, file) ? module : NULL : file->offset ? module : NULL;
	}
	return NULL;
}

static enum wb_err read_files(struct core *core)
{
	enum wb_err err = WB_OK;

	for (size_t i = 0; !err && i < core->num_files; i++) {
		struct core_module *module = module_of_range(core, &core->files[i]);

		if (!module)
			err = begin_module(core, i, &module);
		if (!err)
			err = map_range(core, &core->files[i], module->image);
		else if (err == WB_NONE)
			err = WB_OK;
	}
	return err;
}

/* ---- What lies in memory without NT_FILE ---- */

static bool is_in_file(const struct core *core, uint64_t address)
{
	const struct wb_map *map = wb_space_map_at(core->space, address);

	return map && map->image;
}

/* The vDSO is the only module whose file is the dump itself. */
static enum wb_err read_vdso(struct core *core)
{
	uint64_t start = core->auxv.sysinfo_ehdr;
	const struct core_segment *segment = start ? wb_core_segment_at(core->memory, start) : NULL;
	struct wb_image *image;
	struct core_module *module;
	uint64_t size = segment ? segment->start + segment->size - start : 0;
	uint8_t *bytes;
	enum wb_err err;

	if (!segment || start - segment->start >= segment->size || size < 4 || size > VDSO_MAX)
		return WB_OK;
	bytes = wb_mem_alloc((size_t)size);
	if (!bytes)
		return WB_ERR_MEMORY;
	err = wb_core_read(core->memory, start, bytes, (size_t)size);
	if (err || memcmp(bytes, "\177ELF", 4)) {
		wb_mem_free(bytes);
		return err < 0 ? err : WB_OK;
	}
	err = wb_image_open_bytes(core->input->session, "[vdso]", bytes, (size_t)size, WB_IMAGE_LOADED, wb_mem_free, bytes, &image);
	if (err)
		return err == WB_ERR_MEMORY ? err : WB_OK;
	err = wb_core_add_module(core, start, "[vdso]", NULL, 0, &module);
	if (err) {
		wb_image_unref(image);
		return err == WB_NONE ? WB_OK : err;
	}
	module->image = image;
	return wb_core_map_file(core, start, segment->end, 0, segment->prot, image);
}

/* Segments that begin with an ELF header and that no file was named for. */
static enum wb_err read_unnamed(struct core *core)
{
	const struct core_memory *memory = core->memory;
	enum wb_err err = WB_OK;

	for (size_t i = 0; !err && i < memory->num_segments; i++) {
		uint64_t start = memory->segments[i].start;
		struct core_header *headers;
		struct core_module *module;
		size_t num_headers;

		if (!memory->segments[i].size || is_in_file(core, start))
			continue;
		err = wb_core_read_module_headers(core, start, &headers, &num_headers);
		/* Its image waits for a name: the dynamic linker may have one. */
		if (!err)
			err = wb_core_add_module(core, start, "", headers, num_headers, &module);
		err = err == WB_NONE ? WB_OK : err;
	}
	return err;
}

static bool holds(const struct core_module *module, uint64_t address)
{
	for (size_t i = 0; i < module->num_headers; i++) {
		const struct core_header *header = &module->headers[i];
		uint64_t before = start_in_page(header), start = module->bias + header->vaddr - before;

		if (header->type == PT_LOAD && address >= start && address - start < header->memsz + before)
			return true;
	}
	return false;
}

/* Whether what looks like a module is a page of another one: small files have their ELF header in the first page of every segment. */
static bool is_repeated(const struct core *core, size_t index)
{
	enum { BACK = 8 };            /* modules that are looked back at */
	uint64_t start = core->modules[index].start;

	for (size_t i = index; i > 0 && index - i < BACK; i--)
		if (holds(&core->modules[i - 1], start))
			return true;
	return is_in_file(core, start);
}

/* Those that got a name, or did not. */
static enum wb_err map_unnamed(struct core *core)
{
	enum wb_err err = wb_core_flush_mappings(core);

	for (size_t i = 0; !err && i < core->num_modules; i++) {
		struct core_module *module = &core->modules[i];

		if (!module->image && is_repeated(core, i))
			module->num_headers = 0;
		else if (!module->image)
			err = wb_core_map_by_headers(core, module);
	}
	return err;
}

/* Modules that are none have neither an image nor headers. */
static void drop_repeated(struct core *core)
{
	size_t count = 0;

	for (size_t i = 0; i < core->num_modules; i++) {
		if (core->modules[i].image || core->modules[i].num_headers)
			core->modules[count++] = core->modules[i];
		else
			module_deinit(&core->modules[i]);
	}
	core->num_modules = count;
}

/* ---- All of them ---- */

static enum wb_err show_modules(struct core *core)
{
	core->shown = wb_mem_zalloc(core->num_modules, sizeof(core->shown[0]));
	if (!core->shown)
		return WB_ERR_MEMORY;
	for (size_t i = 0; i < core->num_modules; i++) {
		const struct core_module *module = &core->modules[i];

		core->shown[i] = (struct wb_capture_module){ .image = module->image, .address = module->start, .path = module->path, .pid = core->pid,
		                                               .link_name = module->link_name };
	}
	return WB_OK;
}

static void release_memory(void *arg)
{
	wb_core_memory_unref(arg);
}

/* A space that has the memory, and knows which bits of code addresses are signatures, but no mappings yet. */
static enum wb_err make_space(struct core *core)
{
	struct wb_memory memory = { .size = sizeof(memory), .kind = WB_MEMORY_CALLBACK, .start = 0, .end = UINT64_MAX, .read = wb_core_read,
	                            .arg = core->memory, .release = release_memory };
	struct wb_space *next;
	enum wb_err err = wb_space_new(core->input->session, &core->platform, &core->space);

	if (err)
		return err;
	atomic_fetch_add_explicit(&core->memory->refs, 1, memory_order_relaxed);
	err = wb_space_add_memory(core->space, &memory, &next);
	if (err)
		return err;
	wb_space_unref(core->space);
	core->space = next;
	if (!core->code_mask)
		return WB_OK;
	err = wb_space_set_pointer_mask(core->space, core->code_mask, &next);
	if (err)
		return err;
	wb_space_unref(core->space);
	core->space = next;
	return WB_OK;
}

enum wb_err wb_core_read_modules(struct core *core)
{
	enum wb_err err = make_space(core);

	if (!err)
		err = map_segments(core);
	if (!err)
		err = read_files(core);
	if (!err)
		err = read_vdso(core);
	if (!err)
		err = wb_core_flush_mappings(core);
	if (!err)
		err = read_unnamed(core);
	if (!err)
		err = wb_core_read_links(core);
	if (!err)
		err = map_unnamed(core);
	if (!err)
		err = wb_core_flush_mappings(core);
	drop_repeated(core);
	if (!err)
		err = show_modules(core);
	return err;
}
