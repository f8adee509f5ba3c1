/* SPDX-License-Identifier: MIT */
/* Opening what a command reads. */
#include "input.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KALLSYMS_MAX = 256 << 20 };    /* bytes: twenty times a large kernel's */

void wb_input_init(struct wb_input *input)
{
	const struct wb_option ours[WB_INPUT_OPTIONS] = {
		{ 0, "pid", WB_OPTION_COUNTS, &input->pids, "PID", "only samples of this process; may be repeated, as may the next two" },
		{ 0, "tid", WB_OPTION_COUNTS, &input->tids, "TID", "only samples of this thread" },
		{ 0, "event", WB_OPTION_TEXTS, &input->events, "NAME", "only samples of this event" },
		{ 0, "kallsyms", WB_OPTION_TEXT, &input->kallsyms, "FILE", "kernel symbols, as /proc/kallsyms has them" },
		{ 0, "max-memory", WB_OPTION_SIZE, &input->max_memory, "SIZE", "limit for caches and for reading the capture (K, M, G)" },
		{ 'q', "quiet", WB_OPTION_FLAG, &input->report.quiet, NULL, "say nothing but errors on standard error" },
		{ 0 },
	};

	memset(input, 0, sizeof(*input));
	memcpy(input->options, ours, sizeof(ours));
	input->object_options[0] = (struct wb_option){ 0, "arch", WB_OPTION_TEXT, &input->arch, "NAME", "of a fat Mach-O file, the part for this architecture" };
	input->object_options[1] = (struct wb_option){ 0, "uuid", WB_OPTION_TEXT, &input->uuid, "UUID", "the part of this UUID; of a zip archive, the object of this build id" };
	wb_paths_options(&input->paths, input->path_options);
	atomic_init(&input->report.errors, 0);
	atomic_init(&input->report.unverified, 0);
	atomic_init(&input->report.mismatched, 0);
	atomic_init(&input->paths.own_host, false);
}

void wb_input_deinit(struct wb_input *input)
{
	wb_progress_clear(&input->progress);
	wb_capture_free(input->capture);
	wb_image_unref(input->kernel);
	wb_session_free(input->session);
}

char *wb_input_read_file(struct wb_input *input, const char *path, size_t limit, size_t *ret_size)
{
	size_t size = 0, capacity = 1 << 20;
	char *bytes = malloc(capacity);
	FILE *file = fopen(path, "rb");

	while (file && bytes && size < limit) {
		size_t got = fread(bytes + size, 1, capacity - size, file);
		char *more;

		if (!got)
			break;
		size += got;
		if (size < capacity)
			continue;
		capacity *= 2;
		more = realloc(bytes, capacity);
		if (!more) {
			free(bytes);
			bytes = NULL;
			break;
		}
		bytes = more;
	}
	if (!file || !bytes || ferror(file)) {
		wb_report_line(&input->report, "%s: %s", path, strerror(bytes ? errno : ENOMEM));
		free(bytes);
		bytes = NULL;
	}
	if (file)
		fclose(file);
	*ret_size = size;
	return bytes;
}

static int add_kernel(struct wb_input *input)
{
	struct wb_identity identity = { .size = sizeof(identity), .path = "[kernel.kallsyms]", .flags = WB_IMAGE_ABSOLUTE };
	enum wb_err err;
	size_t size;
	char *bytes;

	bytes = wb_input_read_file(input, input->kallsyms, KALLSYMS_MAX, &size);
	if (!bytes)
		return WB_EXIT_FAILED;
	err = wb_image_new(input->session, &identity, &input->kernel);
	if (!err)
		err = wb_image_add_symbols(input->kernel, input->kallsyms, bytes, size);
	free(bytes);
	return err ? wb_report_failure(&input->report, input->kallsyms, err) : WB_EXIT_OK;
}

int wb_input_start(struct wb_input *input)
{
	struct wb_session_opts opts = { .size = sizeof(opts), .diag = wb_report_diag, .diag_arg = &input->report,
	                                .check = wb_progress_check, .check_arg = &input->progress, .cache_bytes = input->max_memory,
	                                .files_are_stable = 1, .trust_unverified = input->paths.trust };
	enum wb_err err;

	wb_progress_init(&input->progress, !input->report.quiet);
	input->report.progress = &input->progress;
	input->report.named = input->uuid || input->paths.exes.count || input->paths.sysroots.count || input->paths.debug_dirs.count;
	err = wb_session_new(&opts, &input->session);
	if (!err)
		err = wb_paths_add(input->session, &input->paths);
	if (err)
		return wb_report_failure(&input->report, "session", err);
	return input->kallsyms ? add_kernel(input) : WB_EXIT_OK;
}

/* NAME.dSYM/Contents/Resources/DWARF/NAME for the folder NAME.dSYM; path itself for all else, and where it does not fit. */
static const char *in_bundle(const char *path, char *buffer, size_t size)
{
	static const char extension[] = ".dSYM";
	size_t length = strlen(path), start;
	struct stat st;
	int made;

	while (length && path[length - 1] == '/')
		length--;
	if (length <= strlen(extension) || strncmp(path + length - strlen(extension), extension, strlen(extension)) || stat(path, &st) ||
	    !S_ISDIR(st.st_mode))
		return path;
	for (start = length; start && path[start - 1] != '/';)
		start--;
	made = snprintf(buffer, size, "%.*s/Contents/Resources/DWARF/%.*s", (int)length, path, (int)(length - strlen(extension) - start),
	                path + start);
	return made > 0 && (size_t)made < size ? buffer : path;
}

/* Hexadecimal digits, with dashes between them as UUIDs have, or none. Returns how many bytes, at most max; 0: that is none. */
static size_t read_id(const char *text, uint8_t *id, size_t max)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	size_t count = 0;

	for (; *text; text++) {
		const char *digit = strchr(digits, *text);

		if (*text == '-' && count && count % 2 == 0 && text[1] && text[1] != '-')
			continue;
		if (!digit || count == 2 * max)
			return 0;
		id[count / 2] = (uint8_t)((count % 2 ? id[count / 2] << 4 : 0) | ((digit - digits) & 15));
		count++;
	}
	return count % 2 ? 0 : count / 2;
}

enum wb_err wb_input_open_object(struct wb_input *input, const char *path, struct wb_image **ret_image)
{
	enum { ID_MAX = 64 };         /* bytes that a build id can have here */
	char buffer[WB_CANDIDATE_PATH_MAX];
	enum wb_arch arch = WB_ARCH_UNKNOWN;
	uint8_t id[ID_MAX];
	size_t size = input->uuid ? read_id(input->uuid, id, sizeof(id)) : 0;

	if (input->uuid && (!size || input->arch)) {
		wb_report_line(&input->report, size ? "--uuid: tells the architecture, too: --arch goes without it" : "--uuid: no UUID nor build id %s", input->uuid);
		return WB_ERR_ARGUMENT;
	}
	if (size)
		return wb_image_open_build(input->session, in_bundle(path, buffer, sizeof(buffer)), id, size, ret_image);
	if (input->arch && wb_arch_from_name(input->arch, &arch) != WB_OK) {
		wb_report_line(&input->report, "--arch: no architecture %s", input->arch);
		return WB_ERR_ARGUMENT;
	}
	return wb_image_open_arch(input->session, in_bundle(path, buffer, sizeof(buffer)), arch, ret_image);
}

static enum wb_err read_stdin(void *arg, void *buffer, size_t count, size_t *ret_got)
{
	ssize_t got;

	(void)arg;
	do
		got = read(STDIN_FILENO, buffer, count);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return WB_ERR_IO;
	*ret_got = (size_t)got;
	return WB_OK;
}

/* A recording in its file form needs to be read back and forth, which standard input allows when it is a file. */
static const char *input_path(const struct wb_input *input)
{
	struct stat st;

	if (strcmp(input->name, "-"))
		return input->name;
	return !fstat(STDIN_FILENO, &st) && S_ISREG(st.st_mode) ? "/dev/stdin" : NULL;
}

int wb_input_reopen(struct wb_input *input)
{
	struct wb_capture_opts opts = { .size = sizeof(opts), .goroutines = input->goroutines, .pids = input->pids.count ? input->pids.items : NULL, .num_pids = input->pids.count,
	                                .tids = input->tids.count ? input->tids.items : NULL, .num_tids = input->tids.count,
	                                .events = input->events.count ? input->events.items : NULL, .num_events = input->events.count,
	                                .max_memory = input->max_memory, .kernel = input->kernel };
	struct wb_capture_info info = { .size = sizeof(info) };
	const char *path = input_path(input);
	enum wb_err err;

	wb_capture_free(input->capture);
	input->capture = NULL;
	if (path)
		err = wb_capture_open(input->session, path, &opts, &input->capture);
	else
		err = wb_capture_open_stream(input->session, "standard input", read_stdin, NULL, &opts, &input->capture);
	if (!err)
		err = wb_capture_info(input->capture, &info);
	if (err)
		return wb_report_failure(&input->report, input->name, err);
	atomic_store(&input->paths.own_host, info.from_this_host != 0);
	return WB_EXIT_OK;
}

int wb_input_open(struct wb_input *input, const char *path)
{
	int status = wb_input_start(input);

	input->name = path;
	return status ? status : wb_input_reopen(input);
}

static const char *role_text(enum wb_file_role role)
{
	switch (role) {
	case WB_FILE_EXECUTABLE: return "file";
	case WB_FILE_DEBUG: return "debug file";
	case WB_FILE_SUPPLEMENTARY: return "supplementary debug file";
	case WB_FILE_DWO: return "split debug file (.dwo) or object file";
	case WB_FILE_DWP: return "split debug package (.dwp)";
	case WB_FILE_SYMBOLS: return "symbol file";
	}
	return "file";
}

void wb_input_wanted_text(const struct wb_wanted *wanted, char *text, size_t size)
{
	if (!strncmp(wanted->path, "[kernel", 7))
		snprintf(text, size, "no symbols; --kallsyms FILE gives them");
	else
		snprintf(text, size, "%s %s", role_text(wanted->role),
		         wanted->verdict == WB_VERDICT_NOT_TRIED ? "missing" : wb_verdict_text(wanted->verdict));
}

static void report_wanted(struct wb_input *input, const struct wb_wanted *wanted)
{
	bool kernel = !strncmp(wanted->path, "[kernel", 7);
	char id[2 * sizeof(wanted->build_id) + 1] = "", text[WB_INPUT_WANTED_SIZE];

	for (size_t i = 0; i < wanted->build_id_size && i < sizeof(wanted->build_id) && !kernel; i++)
		snprintf(id + 2 * i, 3, "%02x", wanted->build_id[i]);
	wb_input_wanted_text(wanted, text, sizeof(text));
	wb_report_line(&input->report, "%s: %s%s%s: %" PRIu64 " frame%s without %s", *wanted->path ? wanted->path : "?", text,
	               *id ? ", build id " : "", id, wanted->frames, wanted->frames == 1 ? "" : "s", kernel ? "a name" : "it");
}

void wb_input_report_missing(struct wb_input *input, size_t max)
{
	unsigned unverified = atomic_load(&input->report.unverified), mismatched = atomic_load(&input->report.mismatched);

	if (mismatched && !input->report.named)
		wb_report_line(&input->report, "not used, of this host: %u file%s of other builds", mismatched, mismatched == 1 ? "" : "s");
	if (unverified && !input->paths.trust && !atomic_load(&input->paths.own_host))
		wb_report_line(&input->report, "not used, of this host: %u file%s that nothing tells the build of; --trust-paths uses them", unverified,
		               unverified == 1 ? "" : "s");
	for (size_t i = 0; i < max; i++) {
		struct wb_wanted wanted = { .size = sizeof(wanted) };

		if (wb_session_wanted(input->session, i, &wanted) || !wanted.frames)
			return;
		report_wanted(input, &wanted);
	}
}
