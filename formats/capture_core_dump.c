/* SPDX-License-Identifier: MIT */
/*
 * What an ELF core tells as crash dumps of other systems do (struct wb_dump): why it was made, and its modules with the ids that symbol servers know them
 * by. Made once, when the modules are known.
 */
#include "formats/capture_core.h"

#include "base/mem.h"
#include "formats/debug_id.h"
#include "formats/signals.h"
#include "model/image.h"
#include "model/space.h"

#include <stdio.h>
#include <string.h>

enum { PT_LOAD = 1, PARTS_MAX = 16 }; /* mappings of one module: four or five, and where protections were changed */

struct core_dump_texts { char debug_id[WB_DEBUG_ID_SIZE], code_id[2 * CORE_BUILD_ID_MAX + 1]; };

/* Where a module ends, by its headers; without them, where what is mapped of it does. */
static uint64_t end_of(const struct core *core, const struct core_module *module)
{
	uint64_t end = module->start;

	for (size_t i = 0; i < module->num_headers; i++) {
		const struct core_header *header = &module->headers[i];
		uint64_t last;

		if (header->type == PT_LOAD && wb_u64_add(module->bias + header->vaddr, header->memsz, &last) && last > end)
			end = last;
	}
	for (unsigned i = 0; i < PARTS_MAX && !module->num_headers; i++) {
		const struct wb_map *map = wb_space_map_above(core->space, end);

		if (!map || (map->image != module->image && map->image) || map->start > end)
			break;
		end = map->end;
	}
	return end;
}

static struct wb_dump_module describe(const struct core *core, const struct core_module *module, struct core_dump_texts *texts)
{
	size_t size = 0;
	const uint8_t *id = module->image ? wb_image_wanted_id(module->image, &size) : NULL;

	size = size < CORE_BUILD_ID_MAX ? size : (size_t)CORE_BUILD_ID_MAX;
	if (id && size)
		wb_debug_id_of_build_id(id, size, texts->debug_id);
	for (size_t i = 0; id && i < size; i++)
		snprintf(texts->code_id + 2 * i, 3, "%02x", id[i]);
	return (struct wb_dump_module){ .size = sizeof(struct wb_dump_module), .start = module->start, .end = end_of(core, module), .image = module->image,
	                                .path = module->path, .version = "", .debug_file = module->path, .debug_id = texts->debug_id,
	                                .code_id = texts->code_id };
}

/* The program itself is the one whose program headers the kernel told it of. It comes first. */
static void put_program_first(struct core *core, struct wb_dump_module *modules)
{
	for (size_t i = 1; i < core->num_modules; i++) {
		struct wb_dump_module module = modules[i];

		if (core->auxv.phdr < module.start || core->auxv.phdr >= module.end)
			continue;
		memmove(modules + 1, modules, i * sizeof(*modules));
		modules[0] = module;
		return;
	}
}

static void describe_crash(struct core *core)
{
	const struct core_siginfo *info = &core->siginfo;
	const char *name = *core->reason ? wb_signal_name(info->signal) : NULL, *why = info->is_known ? wb_signal_code_name(info->signal, info->code) : NULL;

	if (!name)
		return;
	snprintf(core->crash_type, sizeof(core->crash_type), why ? "%s / %s" : "%s", name, why);
	core->dump.crash_kind = WB_CRASH_SIGNAL;
	core->dump.crash_code = (uint32_t)info->signal;
	core->dump.crash_detail = (uint32_t)info->code;
	core->dump.has_crash_address = info->is_known && wb_signal_has_address(info->signal, info->code);
	core->dump.crash_address = core->dump.has_crash_address ? info->address : 0;
}

enum wb_err wb_core_describe(struct core *core)
{
	core->dump_modules = wb_mem_zalloc(core->num_modules, sizeof(core->dump_modules[0]));
	core->dump_texts = wb_mem_zalloc(core->num_modules, sizeof(core->dump_texts[0]));
	if (!core->dump_modules || !core->dump_texts)
		return WB_ERR_MEMORY;
	for (size_t i = 0; i < core->num_modules; i++)
		core->dump_modules[i] = describe(core, &core->modules[i], &core->dump_texts[i]);
	put_program_first(core, core->dump_modules);
	core->dump = (struct wb_dump){ .size = sizeof(core->dump), .crash_type = core->crash_type, .assertion = "", .os_name = "Linux", .os_version = "",
	                               .cpu_info = "", .modules = core->dump_modules, .num_modules = core->num_modules };
	describe_crash(core);
	return WB_OK;
}
