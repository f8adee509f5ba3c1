/* SPDX-License-Identifier: MIT */
/*
 * What the dynamic linker of a dumped process knows: its list of modules (System V ABI, chapter 5, "Dynamic Section", DT_DEBUG; glibc's
 * link.h, struct r_debug and struct link_map). It names the modules that NT_FILE does not have, and says how the others are called by
 * those that need them. The list is the process's own memory, which may be damaged: every read is bounded, and what is odd ends it.
 */
#include "formats/capture_core.h"

#include "base/mem.h"
#include "model/image.h"
#include "model/space.h"

#include <string.h>

enum {
	PT_LOAD = 1, PT_DYNAMIC = 2, PT_INTERP = 3, PT_PHDR = 6,
	DT_NULL = 0, DT_DEBUG = 21,
	DYNAMIC_MAX = 1024,           /* entries; large modules have some forty */
	LINKS_MAX = 1 << 14,          /* modules in the list, which may go in a circle */
};

struct link { uint64_t bias, name, dynamic; };

static enum wb_err read_words(struct core *core, uint64_t address, uint64_t *words, size_t count)
{
	uint8_t bytes[4 * 8];
	size_t size = count * core_word_size(core);
	struct wb_bytes b = core_bytes(core, bytes, size);
	enum wb_err err = wb_space_read(core->space, address, bytes, size);

	for (size_t i = 0; !err && i < count; i++)
		words[i] = core_word(core, &b);
	return err;
}

/* A string that ends within CORE_PATH_MAX bytes, for which text has room. */
static enum wb_err read_string(struct core *core, uint64_t address, char *text)
{
	enum { STEP = 64 };           /* read at a time: aligned, so that no step crosses into a page that need not be there */
	size_t size = 0;

	while (size < CORE_PATH_MAX) {
		size_t step = STEP - (size_t)(address % STEP);
		enum wb_err err;

		step = step < CORE_PATH_MAX - size ? step : CORE_PATH_MAX - size;
		err = wb_space_read(core->space, address, text + size, step);
		if (err)
			return err;
		if (memchr(text + size, 0, step))
			return WB_OK;
		size += step;
		if (__builtin_add_overflow(address, step, &address))
			return WB_NONE;
	}
	return WB_NONE;
}

/* ---- Where the list is ---- */

static bool asks_for_interpreter(const struct core_module *module)
{
	for (size_t i = 0; i < module->num_headers; i++)
		if (module->headers[i].type == PT_INTERP)
			return true;
	return false;
}

/* The module whose first page AT_PHDR is in; without an auxiliary vector, the one that asks for an interpreter. NULL: not in the dump. */
static struct core_module *find_executable(const struct core *core)
{
	enum { PAGE = 4096 };         /* program headers are right behind the ELF header */
	uint64_t phdr = core->auxv.phdr;

	for (size_t i = 0; i < core->num_modules; i++) {
		struct core_module *module = &core->modules[i];

		if (phdr ? phdr >= module->start && phdr - module->start < PAGE : asks_for_interpreter(module))
			return module;
	}
	return NULL;
}

/* The executable's dynamic section. Where the dump does not have its headers, its file does. WB_NONE: there is none, or it cannot be found. */
static enum wb_err find_dynamic(const struct core *core, uint64_t *ret_address)
{
	const struct core_module *module = find_executable(core);
	const struct core_auxv *auxv = &core->auxv;
	uint64_t bias = 0, dynamic = 0;

	if (module && module->dynamic) {
		*ret_address = module->dynamic;
		return WB_OK;
	}
	if (!auxv->phdr || auxv->phent != wb_core_header_size(core) || auxv->phnum > CORE_HEADERS_MAX)
		return WB_NONE;
	for (uint64_t i = 0; i < auxv->phnum; i++) {
		uint8_t bytes[56];
		struct wb_bytes b = core_bytes(core, bytes, sizeof(bytes));
		struct core_header header;
		enum wb_err err = wb_space_read_code(core->space, auxv->phdr + i * auxv->phent, bytes, (size_t)auxv->phent);

		if (err)
			return err;
		header = wb_core_read_header(core, &b);
		if (header.type == PT_PHDR)
			bias = auxv->phdr - header.vaddr;
		if (header.type == PT_DYNAMIC)
			dynamic = header.vaddr;
	}
	*ret_address = bias + dynamic;
	return dynamic ? WB_OK : WB_NONE;
}

/* The first link, by the address that the dynamic linker left in the executable's DT_DEBUG. */
static enum wb_err find_first_link(struct core *core, uint64_t *ret_link)
{
	uint64_t dynamic, words[2];
	enum wb_err err = find_dynamic(core, &dynamic);

	for (unsigned i = 0; !err && i < DYNAMIC_MAX; i++) {
		err = read_words(core, dynamic + (uint64_t)i * 2 * core_word_size(core), words, 2);
		if (err || words[0] == DT_NULL)
			break;
		if (words[0] != DT_DEBUG)
			continue;
		/* r_version, an int, is padded to a word; r_map is behind it. */
		if (!words[1])
			break;
		err = read_words(core, words[1], words, 2);
		if (!err)
			*ret_link = words[1];
		return err;
	}
	return err ? err : WB_NONE;
}

/* ---- Modules of links ---- */

static struct core_module *module_of_link(struct core *core, const struct link *link)
{
	const struct wb_map *map = wb_space_map_at(core->space, link->dynamic);

	for (size_t i = 0; i < core->num_modules; i++) {
		struct core_module *module = &core->modules[i];

		if (module->dynamic ? module->dynamic == link->dynamic : map && map->image && map->image == module->image)
			return module;
	}
	return NULL;
}

/* The program headers of a module that the dump does not have, from its file, if that is had. */
static enum wb_err take_headers_of_file(struct core_module *module)
{
	struct wb_object *object;
	enum wb_err err = wb_image_object(module->image, WB_FILE_EXECUTABLE, &object);

	if (err)
		return err;
	module->headers = wb_mem_zalloc(object->num_segments, sizeof(module->headers[0]));
	if (!module->headers)
		return WB_ERR_MEMORY;
	for (size_t i = 0; i < object->num_segments; i++) {
		const struct wb_segment *segment = &object->segments[i];

		module->headers[i] = (struct core_header){ .type = PT_LOAD, .prot = segment->prot, .offset = segment->offset, .vaddr = segment->vaddr,
		                                           .filesz = segment->filesz, .memsz = segment->memsz };
	}
	module->num_headers = object->num_segments;
	return WB_OK;
}

/* A module of which the dump has not even the headers: the file that it was loaded from says where its segments are. */
static enum wb_err add_by_file(struct core *core, const char *path, uint64_t start, uint64_t bias, bool by_entry)
{
	struct wb_identity identity = { .size = sizeof(identity), .platform = core->platform, .path = path };
	struct core_module *module;
	struct wb_object *object;
	enum wb_err err = wb_core_add_module(core, start, path, NULL, 0, &module);

	if (err)
		return err == WB_NONE ? WB_OK : err;
	err = wb_image_new(core->input->session, &identity, &module->image);
	if (!err)
		err = take_headers_of_file(module);
	if (err)
		return err == WB_ERR_MEMORY ? err : WB_OK;
	module->bias = bias;
	if (by_entry && wb_image_object(module->image, WB_FILE_EXECUTABLE, &object) == WB_OK)
		module->bias = (bias & ~core->arch->code_bits) - object->entry;
	if (module->num_headers)
		module->start = module->bias + module->headers[0].vaddr - module->headers[0].offset;
	return wb_core_map_by_headers(core, module);
}

static enum wb_err use_link(struct core *core, const struct link *link)
{
	struct core_module *module = module_of_link(core, link);
	char name[CORE_PATH_MAX];
	char **to;
	enum wb_err err = link->name ? read_string(core, link->name, name) : WB_NONE;

	if (err)
		return err == WB_ERR_MEMORY ? err : WB_OK;
	if (!*name)
		return WB_OK;
	if (!module)
		return add_by_file(core, name, link->bias, link->bias, false);
	to = *module->path ? &module->link_name : &module->path;
	if (*module->path && (module->link_name || !strcmp(module->path, name)))
		return WB_OK;
	wb_mem_free(*to);
	*to = wb_mem_strdup(name);
	return *to ? WB_OK : WB_ERR_MEMORY;
}

/* ---- The executable ---- */

/* Its list entry has no name: what the kernel was asked to run is in AT_EXECFN, a string on the stack; else there is its short name. */
static enum wb_err name_executable(struct core *core)
{
	struct core_module *module = find_executable(core);
	const struct core_auxv *auxv = &core->auxv;
	const struct wb_map *map = wb_space_map_at(core->space, auxv->phdr);
	char name[CORE_PATH_MAX];

	/* NT_FILE has it. */
	if ((map && map->image) || (module && module->image) || !auxv->phdr)
		return WB_OK;
	if (!auxv->execfn || read_string(core, auxv->execfn, name) || !*name)
		memcpy(name, core->comm, sizeof(core->comm));
	if (!module)
		return *name && auxv->entry ? add_by_file(core, name, auxv->phdr, auxv->entry, true) : WB_OK;
	wb_mem_free(module->path);
	module->path = wb_mem_strdup(name);
	return module->path ? WB_OK : WB_ERR_MEMORY;
}

enum wb_err wb_core_read_links(struct core *core)
{
	uint64_t at = 0, first, words[4] = { 0 };
	enum wb_err err = name_executable(core);

	/* Where its headers are is known from its file alone if they were not dumped. */
	if (!err)
		err = wb_core_flush_mappings(core);
	if (err)
		return err;
	err = find_first_link(core, &at);
	first = at;
	for (unsigned i = 0; !err && at && i < LINKS_MAX && (!i || at != first); i++) {
		err = read_words(core, at, words, 4);
		if (!err)
			err = use_link(core, &(struct link){ words[0], words[1], words[2] });
		at = words[3];
	}
	return err == WB_ERR_MEMORY ? err : WB_OK;
}
