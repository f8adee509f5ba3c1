/* SPDX-License-Identifier: MIT */
/*
 * Finds the data of Go's runtime: by symbols (runtime.allgs, runtime.allm, runtime.waitReasonStrings); in stripped programs by what they must look like,
 * in the writable segments of the image that has Go's tables. The list of goroutines is a slice whose elements are told by a pointer to themselves
 * (g.sched.g); the names of wait reasons have begun alike since Go 1.11.
 *
 * Which release it is, .go.buildinfo says, where it is there; a layout is believed only if goroutines read by it make sense.
 */
#include "unwind/go_threads.h"

#include "base/mem.h"
#include "model/session.h"

#include <string.h>

enum {
	SCAN_MAX = 64 << 20,          /* bytes of writable segments that are looked through: those of the largest Go programs have some ten MiB */
	SCAN_PAGE = 4096,             /* bytes that are there or not, as a rule */
	IMAGES_MAX = 16,              /* images with Go's tables that are tried: a program, and its plugins */
	CHECKED = 64,                 /* goroutines that a layout is checked with */
	PROBED = 8,                   /* elements that a slice is told by */
	MOVED_MAX = 64,               /* bytes that a patch may have moved m.alllink: 24 was seen */
	STACK_MAX_BITS = 31,          /* a goroutine's stack has at most 1 GB (runtime/debug.SetMaxStack), in a power of two */
};

/* ---- Memory ---- */

uint64_t wb_go_load_word(const struct wb_go_memory *memory, const void *bytes)
{
	return memory->word_size == 8 ? wb_load64(bytes, memory->big_endian) : wb_load32(bytes, memory->big_endian);
}

bool wb_go_read_word(const struct wb_go_memory *memory, uint64_t address, uint64_t *ret_word)
{
	uint8_t bytes[8];

	if (wb_space_read(memory->space, address, bytes, memory->word_size))
		return false;
	*ret_word = wb_go_load_word(memory, bytes);
	return true;
}

bool wb_go_read_constant(const struct wb_go_runtime *runtime, uint64_t address, void *buffer, size_t count)
{
	return wb_space_read(runtime->memory.space, address, buffer, count) == WB_OK ||
	       wb_image_read(runtime->image, address - runtime->bias, buffer, count) == WB_OK;
}

static bool function_at(const struct wb_go_runtime *runtime, uint64_t address, struct wb_go_function *ret_function)
{
	return wb_pclntab_find(runtime->table, address - runtime->bias, ret_function) == WB_OK;
}

bool wb_go_is_code(const struct wb_go_runtime *runtime, uint64_t address)
{
	struct wb_go_function function;

	return function_at(runtime, address, &function);
}

bool wb_go_is_entry(const struct wb_go_runtime *runtime, uint64_t address)
{
	struct wb_go_function function;

	return function_at(runtime, address, &function) && function.start == address - runtime->bias;
}

/* ---- By symbols ---- */

struct symbols { uint64_t list, threads, reasons; };

static enum wb_err see_symbol(void *arg, const struct wb_symbol *symbol)
{
	struct symbols *symbols = arg;

	if (strncmp(symbol->name, "runtime.", 8))
		return WB_OK;
	if (!strcmp(symbol->name, "runtime.allgs"))
		symbols->list = symbol->value;
	else if (!strcmp(symbol->name, "runtime.allm"))
		symbols->threads = symbol->value;
	else if (!strcmp(symbol->name, "runtime.waitReasonStrings"))
		symbols->reasons = symbol->value;
	return WB_OK;
}

static enum wb_err find_by_symbols(struct wb_image *image, struct wb_object *object, struct wb_go_runtime *runtime)
{
	const struct wb_go_memory *memory = &runtime->memory;
	struct symbols symbols = { 0 };
	enum wb_err err = wb_image_symbols(image, object, see_symbol, &symbols);

	if (err == WB_ERR_MEMORY || err == WB_ERR_CANCELLED)
		return err;
	if (symbols.threads && !wb_go_read_word(memory, symbols.threads + runtime->bias, &runtime->threads))
		runtime->threads = 0;
	if (symbols.reasons)
		runtime->reasons = symbols.reasons + runtime->bias;
	if (!symbols.list || !wb_go_read_word(memory, symbols.list + runtime->bias, &runtime->list) ||
	    !wb_go_read_word(memory, symbols.list + runtime->bias + memory->word_size, &runtime->num_listed))
		return WB_NONE;
	return runtime->num_listed ? WB_OK : WB_NONE;
}

/* ---- By looks ---- */

/* Whether g.sched.g is the goroutine itself; or 0, where one is just being made. */
static bool is_goroutine(const struct wb_go_memory *memory, uint64_t g, bool may_be_new)
{
	uint64_t self;

	return g && g % memory->word_size == 0 && wb_go_read_word(memory, g + (WB_GO_G_BUF + WB_GO_BUF_G) * memory->word_size, &self) &&
	       (self == g || (may_be_new && !self));
}

static bool is_list(const struct wb_go_memory *memory, uint64_t list, uint64_t length, uint64_t capacity)
{
	uint64_t g;

	if (!length || length > capacity || capacity > 2 * (uint64_t)WB_GO_LIST_MAX || list < SCAN_PAGE || list % memory->word_size)
		return false;
	for (uint64_t i = 0; i < length && i < PROBED; i++)
		if (!wb_go_read_word(memory, list + i * memory->word_size, &g) || !is_goroutine(memory, g, i != 0))
			return false;
	return true;
}

static bool is_text(const struct wb_go_runtime *runtime, uint64_t address, const char *text)
{
	char bytes[32];
	size_t size = strlen(text);

	return size <= sizeof(bytes) && wb_go_read_constant(runtime, address, bytes, size) && !memcmp(bytes, text, size);
}

/* The last words that were looked at, oldest first. */
struct window { uint64_t words[4]; unsigned known; };

static void look(struct wb_go_runtime *runtime, const struct window *window, uint64_t end)
{
	static const char first[] = "GC assist marking", second[] = "IO wait";
	const struct wb_go_memory *memory = &runtime->memory;
	const uint64_t *w = window->words;

	/* Of several lists the longest: the garbage collector keeps an older copy while it marks. */
	if (window->known >= 3 && w[2] > runtime->num_listed && is_list(memory, w[1], w[2], w[3])) {
		runtime->list = w[1];
		runtime->num_listed = w[2];
	}
	/* The array's first string is empty. */
	if (window->known == 4 && !runtime->reasons && w[1] == sizeof(first) - 1 && w[3] == sizeof(second) - 1 && is_text(runtime, w[0], first) &&
	    is_text(runtime, w[2], second))
		runtime->reasons = end - 6 * (uint64_t)memory->word_size;
}

static void scan(struct wb_go_runtime *runtime, uint64_t start, uint64_t size)
{
	unsigned word = runtime->memory.word_size;
	struct window window = { .known = 0 };
	uint8_t page[SCAN_PAGE];

	for (uint64_t at = start; at < start + size; at += SCAN_PAGE) {
		if (wb_space_read(runtime->memory.space, at, page, SCAN_PAGE)) {
			window.known = 0;
			continue;
		}
		for (unsigned i = 0; i < SCAN_PAGE; i += word) {
			memmove(window.words, window.words + 1, sizeof(window.words) - sizeof(window.words[0]));
			window.words[3] = wb_go_load_word(&runtime->memory, page + i);
			window.known += window.known < 4;
			look(runtime, &window, at + i + word);
		}
	}
}

/* Pages of the segments that the program writes, as far as they are loaded. */
static enum wb_err find_by_looks(const struct wb_object *object, struct wb_go_runtime *runtime)
{
	uint64_t left = SCAN_MAX;

	for (size_t i = 0; i < object->num_segments; i++) {
		const struct wb_segment *segment = &object->segments[i];
		uint64_t start = (segment->vaddr + runtime->bias) & ~(uint64_t)(SCAN_PAGE - 1);
		uint64_t size = segment->memsz < left ? segment->vaddr + runtime->bias - start + segment->memsz : left;

		if (!(segment->prot & WB_PROT_WRITE) || start > UINT64_MAX - size - SCAN_PAGE)
			continue;
		scan(runtime, start, size);
		left -= size < left ? size : left;
	}
	return runtime->num_listed ? WB_OK : WB_NONE;
}

/* ---- Which release ---- */

/* The release that the linker noted, since 1.18 in place (debug/buildinfo): "go1.24.4" is 24. 0: unknown. */
static unsigned noted_release(struct wb_image *image, struct wb_object *object)
{
	enum { FLAGS = 15, VERSION = 32, INLINE = 2 };
	const uint8_t *bytes;
	struct wb_bytes b;
	const char *text;
	uint64_t length;
	unsigned release = 0;
	size_t size;

	if (wb_image_section(image, object, ".go.buildinfo", &bytes, &size, NULL))
		return 0;
	b = wb_bytes_of(bytes, size, false);
	if (size <= VERSION || !(bytes[FLAGS] & INLINE) || !wb_bytes_seek(&b, VERSION))
		return 0;
	length = wb_bytes_uleb(&b);
	text = length < 64 ? (const char *)wb_bytes_take(&b, (size_t)length) : NULL;
	if (!text || length < 5 || memcmp(text, "go1.", 4))
		return 0;
	for (uint64_t i = 4; i < length && text[i] >= '0' && text[i] <= '9' && release < 1000; i++)
		release = release * 10 + (unsigned)(text[i] - '0');
	return release;
}

/* Which releases have tables of this version (model/pclntab). */
static bool may_have(const struct wb_go_layout *layout, enum wb_pclntab_version version)
{
	switch (version) {
	case WB_PCLNTAB_1_2: return layout->first < 16;
	case WB_PCLNTAB_1_16: return layout->first < 18 && layout->last >= 16;
	case WB_PCLNTAB_1_18: return layout->first < 20 && layout->last >= 18;
	case WB_PCLNTAB_1_20: return layout->last >= 20;
	case WB_PCLNTAB_VERSIONS: break;
	}
	return false;
}

/* What goroutines say of a layout. */
struct opinion { unsigned for_it, against_it; };

static void vote(struct opinion *opinion, bool is_for, bool is_against)
{
	opinion->for_it += is_for;
	opinion->against_it += is_against;
}

/* Code of a plugin is in another image, whose tables are not looked at. */
static bool is_foreign_code(const struct wb_go_runtime *runtime, uint64_t address)
{
	return !wb_go_is_code(runtime, address) && wb_space_may_execute(runtime->memory.space, address);
}

static void judge(const struct wb_go_runtime *runtime, const struct wb_go_layout *layout, uint64_t g, struct opinion *opinion)
{
	const struct wb_go_memory *memory = &runtime->memory;
	unsigned word = memory->word_size, status;
	uint64_t start, created_at, id, m, current, low, high;
	uint8_t bytes[WB_GO_G_SIZE];

	if (wb_space_read(memory->space, g, bytes, layout->labels + word))
		return;
	status = wb_load32(bytes + layout->status, memory->big_endian) & 0xfff;
	if (status == WB_GOROUTINE_DEAD || status == WB_GOROUTINE_DEAD_EXTRA || status == WB_GOROUTINE_IDLE)
		return;
	vote(opinion, false, status > WB_GOROUTINE_DEAD_EXTRA);
	id = wb_load64(bytes + layout->id, memory->big_endian);
	vote(opinion, false, !id || id >> 48);
	low = wb_go_load_word(memory, bytes + WB_GO_G_LOW * word);
	high = wb_go_load_word(memory, bytes + WB_GO_G_HIGH * word);
	vote(opinion, false, low >= high || (high - low) >> STACK_MAX_BITS);
	start = wb_go_load_word(memory, bytes + layout->start);
	vote(opinion, wb_go_is_entry(runtime, start), start && !wb_go_is_entry(runtime, start) && !is_foreign_code(runtime, start));
	created_at = wb_go_load_word(memory, bytes + layout->created_at);
	vote(opinion, false, created_at && !wb_go_is_code(runtime, created_at) && !is_foreign_code(runtime, created_at));
	/* Whoever runs is what its thread runs. */
	m = wb_go_load_word(memory, bytes + WB_GO_G_M * word);
	if (m && (status == WB_GOROUTINE_RUNNING || status == WB_GOROUTINE_SYSCALL) && wb_go_read_word(memory, m + layout->current, &current))
		vote(opinion, current == g, current != g);
}

/* How much speaks for a layout; 0: too much against it. A wrong one is wrong about nearly all goroutines, a right one about one that is damaged. */
static unsigned weigh(const struct wb_go_runtime *runtime, const struct wb_go_layout *layout)
{
	struct opinion opinion = { 0 };
	uint64_t g;

	for (uint64_t i = 0; i < runtime->num_listed && i < CHECKED; i++)
		if (wb_go_read_word(&runtime->memory, runtime->list + i * runtime->memory.word_size, &g))
			judge(runtime, layout, g, &opinion);
	return opinion.for_it > 4 * opinion.against_it ? opinion.for_it - 4 * opinion.against_it : 0;
}

/* The noted release's, if goroutines make sense by it; else the one by which they make most, of equal ones the newest. */
static const struct wb_go_layout *choose_layout(const struct wb_go_runtime *runtime, unsigned release)
{
	const struct wb_go_layout *layout, *chosen = NULL;
	unsigned most = 0;

	for (size_t i = 0; (layout = wb_go_layout(runtime->memory.word_size, i)); i++) {
		bool is_noted = release >= layout->first && release <= layout->last;
		unsigned weight = is_noted || may_have(layout, runtime->table->version) ? weigh(runtime, layout) : 0;

		if (weight && is_noted)
			return layout;
		if (weight && weight >= most) {
			most = weight;
			chosen = layout;
		}
	}
	return chosen;
}

/* ---- Threads ---- */

/* Whether the goroutine of its system stack says that it is on this m. */
static bool is_thread(const struct wb_go_runtime *runtime, uint64_t m)
{
	const struct wb_go_memory *memory = &runtime->memory;
	uint64_t system, its;

	return m && m % memory->word_size == 0 && wb_go_read_word(memory, m, &system) && system &&
	       wb_go_read_word(memory, system + WB_GO_G_M * memory->word_size, &its) && its == m;
}

unsigned wb_go_find_next(const struct wb_go_runtime *runtime, uint64_t thread)
{
	const struct wb_go_memory *memory = &runtime->memory;
	const struct wb_go_layout *layout = runtime->layout;
	uint64_t next;

	if (wb_go_read_word(memory, thread + layout->next, &next) && is_thread(runtime, next))
		return layout->next;
	for (unsigned at = layout->number + 8u; at < layout->next + (unsigned)MOVED_MAX; at += memory->word_size)
		if (wb_go_read_word(memory, thread + at, &next) && is_thread(runtime, next))
			return at;
	return 0;
}

/* ---- All of it ---- */

static enum wb_err find_in_image(struct wb_image *image, struct wb_go_runtime *runtime)
{
	struct wb_diags *diags = wb_session_diags(wb_image_session(image));
	struct wb_object *object;
	enum wb_err err = wb_image_object(image, WB_FILE_EXECUTABLE, &object);

	if (!err)
		err = find_by_symbols(image, object, runtime);
	if (err == WB_NONE)
		err = find_by_looks(object, runtime);
	if (err)
		return err;
	runtime->layout = choose_layout(runtime, noted_release(image, object));
	if (!runtime->layout)
		return wb_diag_report(diags, WB_ERR_DATA, WB_DIAG_GO_MALFORMED, wb_image_path(image), "", UINT64_MAX,
		                      "goroutines at 0x%llx are laid out as by no known release of Go", (unsigned long long)runtime->list);
	return WB_OK;
}

enum wb_err wb_go_runtime_find(struct wb_space *space, struct wb_go_runtime *ret_runtime)
{
	const struct wb_arch_info *arch = wb_space_arch(space);
	const struct wb_map *map = wb_space_map_above(space, 0);
	const struct wb_image *tried = NULL;
	unsigned num_tried = 0;
	enum wb_err err = WB_NONE;

	for (; arch && arch->go && map && num_tried < IMAGES_MAX; map = wb_space_map_above(space, map->end)) {
		struct wb_go_runtime runtime = { .memory = { space, arch->word_size, wb_space_platform(space).big_endian }, .arch = arch };
		enum wb_err now = WB_NONE;

		if (!map->image || !wb_image_is_absolute(map->image))
			now = wb_map_place(space, map, &runtime.image, &runtime.bias);
		if (!now && runtime.image == tried)
			now = WB_NONE;
		if (!now)
			now = wb_pclntab_of_image(runtime.image, &runtime.table);
		if (!now && runtime.table && runtime.table->word_size == arch->word_size) {
			num_tried++;
			tried = runtime.image;
			now = find_in_image(runtime.image, &runtime);
			if (!now) {
				*ret_runtime = runtime;
				return WB_OK;
			}
			/* A plugin's are the program's. */
			err = now == WB_ERR_DATA ? now : err;
		}
		if (now == WB_ERR_MEMORY || now == WB_ERR_CANCELLED)
			return now;
	}
	return err;
}
