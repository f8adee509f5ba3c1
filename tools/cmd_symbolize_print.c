/* SPDX-License-Identifier: MIT */
/*
 * Answers as addr2line (GNU binutils) prints them, as llvm-symbolizer does, and as its JSON. What other programs parse is kept byte for byte;
 * reasons and aliases are additions that have to be asked for.
 */
#include "cmd_symbolize.h"

#include <inttypes.h>
#include <string.h>

static const char *shown_file(const struct wb_symbolize_style *style, const struct wb_site *site)
{
	const char *slash;

	if (!site->file)
		return "??";
	slash = style->basenames ? strrchr(site->file, '/') : NULL;
	return slash ? slash + 1 : site->file;
}

static const char *reason_text(uint8_t reason)
{
	return wb_reason_text((enum wb_reason)reason);
}

/* ---- Lines of text ---- */

/* " (no symbol covers the address)" */
static void put_reasons(struct wb_buffer *buffer, const struct wb_symbolize_style *style, const struct wb_site *site)
{
	bool name = style->functions && !site->function, line = !site->file || !site->line;

	if (!style->reasons || (!name && !line))
		return;
	wb_buffer_text(buffer, " (");
	if (name)
		wb_buffer_text(buffer, reason_text(site->function_reason));
	if (line && (!name || site->line_reason != site->function_reason)) {
		wb_buffer_text(buffer, name ? ", " : "");
		wb_buffer_text(buffer, reason_text(site->line_reason));
	}
	wb_buffer_text(buffer, ")");
}

static void put_function(struct wb_buffer *buffer, const struct wb_site *site, const char *aliases)
{
	wb_buffer_clean(buffer, site->function ? site->function : "??");
	if (aliases && !site->inlined) {
		wb_buffer_text(buffer, " (aliases: ");
		wb_buffer_clean(buffer, aliases);
		wb_buffer_text(buffer, ")");
	}
}

static void put_gnu_place(struct wb_buffer *buffer, const struct wb_symbolize_style *style, const struct wb_site *site, bool known)
{
	wb_buffer_clean(buffer, shown_file(style, site));
	if (site->line)
		wb_buffer_format(buffer, ":%" PRIu32, site->line);
	else
		wb_buffer_text(buffer, known ? ":?" : ":0");
	put_reasons(buffer, style, site);
	wb_buffer_text(buffer, "\n");
}

static void put_gnu_site(struct wb_buffer *buffer, const struct wb_symbolize_style *style, const struct wb_site *site, bool known,
                         const char *aliases)
{
	if (style->functions) {
		put_function(buffer, site, aliases);
		/* addr2line puts no "at" before an address that it knows nothing of. */
		wb_buffer_text(buffer, !style->pretty ? "\n" : known ? " at " : " ");
	}
	put_gnu_place(buffer, style, site, known);
}

static void put_gnu(struct wb_buffer *buffer, const struct wb_symbolize_style *style, uint64_t address, const struct wb_site *sites, size_t count,
                    const char *aliases)
{
	bool known = sites[0].function || sites[0].file;

	if (style->addresses)
		wb_buffer_format(buffer, "0x%0*" PRIx64 "%s", (int)style->digits, address, style->pretty ? ": " : "\n");
	put_gnu_site(buffer, style, &sites[0], known, aliases);
	for (size_t i = 1; style->inlines && i < count; i++) {
		if (style->pretty)
			wb_buffer_text(buffer, " (inlined by) ");
		put_gnu_site(buffer, style, &sites[i], true, aliases);
	}
}

/* llvm-symbolizer names functions and inlined calls without being asked, shows columns, and ends each answer with an empty line. */
static void put_llvm(struct wb_buffer *buffer, const struct wb_symbolize_style *style, uint64_t address, const struct wb_site *sites, size_t count,
                     const char *aliases)
{
	if (style->addresses)
		wb_buffer_format(buffer, "0x%" PRIx64 "%s", address, style->pretty ? ": " : "\n");
	for (size_t i = 0; i < count; i++) {
		wb_buffer_text(buffer, style->pretty && i ? " (inlined by) " : "");
		put_function(buffer, &sites[i], aliases);
		wb_buffer_text(buffer, style->pretty ? " at " : "\n");
		wb_buffer_clean(buffer, shown_file(style, &sites[i]));
		wb_buffer_format(buffer, ":%" PRIu32 ":%" PRIu32, sites[i].line, sites[i].column);
		put_reasons(buffer, style, &sites[i]);
		wb_buffer_text(buffer, "\n");
	}
	wb_buffer_text(buffer, "\n");
}

/* ---- JSON ---- */

static void put_json_member(struct wb_buffer *buffer, const char *name, const char *text)
{
	wb_buffer_format(buffer, ",\"%s\":", name);
	wb_buffer_json(buffer, text);
}

/* Discriminators, and where functions are declared, are not known here. */
static void put_json_site(struct wb_buffer *buffer, const struct wb_symbolize_style *style, const struct wb_site *site, const char *aliases)
{
	bool has_start = site->function && !site->inlined && site->function_start != UINT64_MAX;

	wb_buffer_format(buffer, "{\"Column\":%" PRIu32 ",\"Discriminator\":0", site->column);
	put_json_member(buffer, "FileName", site->file ? shown_file(style, site) : "");
	put_json_member(buffer, "FunctionName", site->function);
	wb_buffer_format(buffer, ",\"Line\":%" PRIu32 ",\"StartAddress\":\"", site->line);
	if (has_start)
		wb_buffer_format(buffer, "0x%" PRIx64, site->function_start);
	wb_buffer_text(buffer, "\",\"StartFileName\":\"\",\"StartLine\":0");
	if (aliases && !site->inlined) {
		wb_buffer_text(buffer, ",\"Aliases\":[");
		wb_buffer_text(buffer, aliases);
		wb_buffer_text(buffer, "]");
	}
	if (style->reasons && !site->function)
		put_json_member(buffer, "FunctionReason", reason_text(site->function_reason));
	if (style->reasons && (!site->file || !site->line))
		put_json_member(buffer, "LineReason", reason_text(site->line_reason));
	wb_buffer_text(buffer, "}");
}

static void put_json(struct wb_buffer *buffer, const struct wb_symbolize_style *style, uint64_t address, const struct wb_site *sites, size_t count,
                     const char *aliases)
{
	wb_buffer_format(buffer, "{\"Address\":\"0x%" PRIx64 "\"", address);
	put_json_member(buffer, "ModuleName", style->object);
	wb_buffer_text(buffer, ",\"Symbol\":[");
	for (size_t i = 0; i < count; i++) {
		wb_buffer_text(buffer, i ? "," : "");
		put_json_site(buffer, style, &sites[i], aliases);
	}
	wb_buffer_text(buffer, "]}");
}

/* ---- All of them ---- */

/* Whoever asks through a pipe waits for an answer to what is no address too. */
static void put_refusal(struct wb_buffer *buffer, const struct wb_symbolize_style *style, const char *text)
{
	static const char what[] = "unable to parse arguments: ";
	struct wb_buffer message = { NULL, 0, 0, false };

	if (style->format == WB_SYMBOLIZE_LLVM) {
		wb_buffer_clean(buffer, text);
		wb_buffer_text(buffer, "\n");
		return;
	}
	wb_buffer_text(&message, what);
	wb_buffer_text(&message, text);
	wb_buffer_text(buffer, "{\"Error\":{\"Message\":");
	wb_buffer_json(buffer, message.text);
	wb_buffer_text(buffer, "}");
	put_json_member(buffer, "ModuleName", style->object);
	wb_buffer_text(buffer, "}");
	buffer->failed |= message.failed;
	wb_buffer_deinit(&message);
}

void wb_symbolize_print(struct wb_buffer *buffer, const struct wb_symbolize_style *style, const struct wb_symbolize_question *question,
                        const struct wb_site *sites, size_t count, const char *aliases)
{
	if (!question->is_address && style->format != WB_SYMBOLIZE_GNU) {
		put_refusal(buffer, style, question->text);
		return;
	}
	switch (style->format) {
	case WB_SYMBOLIZE_GNU: put_gnu(buffer, style, question->shown, sites, count, aliases); break;
	case WB_SYMBOLIZE_LLVM: put_llvm(buffer, style, question->shown, sites, count, aliases); break;
	case WB_SYMBOLIZE_JSON: put_json(buffer, style, question->shown, sites, count, aliases); break;
	}
}

void wb_symbolize_print_alias(struct wb_buffer *buffer, const struct wb_symbolize_style *style, const char *name)
{
	bool json = style->format == WB_SYMBOLIZE_JSON;

	wb_buffer_text(buffer, !buffer->size ? "" : json ? "," : ", ");
	if (json)
		wb_buffer_json(buffer, name);
	else
		wb_buffer_text(buffer, name);
}
