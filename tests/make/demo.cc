/* SPDX-License-Identifier: MIT */
/*
 * The program that the demonstration capture was recorded from: makes words, sorts an index of
 * them through a C function with a callback, builds a search tree and adds it up recursively, while
 * a timer's signal handler measures a checksum. Inlined calls, templates, recursion, a callback
 * from C and a signal frame, in one small static executable that needs no libc.
 */

#include "demo_start.h"

namespace {

constexpr int kWords = 4096;
constexpr int kLetters = 12;

struct Word {
	char letters[kLetters];
	int length;
};

class Random {
public:
	explicit Random(unsigned seed) : state_(seed) {}
	unsigned next()
	{
		state_ ^= state_ << 13;
		state_ ^= state_ >> 17;
		state_ ^= state_ << 5;
		return state_;
	}
	unsigned below(unsigned limit) { return next() % limit; }

private:
	unsigned state_;
};

Word words[kWords];
int order[kWords];
volatile unsigned long checksum;

inline unsigned long mix(unsigned long hash, char letter)
{
	return (hash ^ static_cast<unsigned char>(letter)) * 1099511628211ul;
}

inline unsigned long hash_word(const Word &word)
{
	unsigned long hash = 14695981039346656037ul;
	for (int i = 0; i < word.length; i++)
		hash = mix(hash, word.letters[i]);
	return hash;
}

template <typename Fn> inline unsigned long sum_words(Fn value)
{
	unsigned long sum = 0;
	for (const Word &word : words)
		sum += value(word);
	return sum;
}

void make_words(Random &random)
{
	for (Word &word : words) {
		word.length = 3 + static_cast<int>(random.below(kLetters - 3));
		for (int i = 0; i < word.length; i++)
			word.letters[i] = static_cast<char>('a' + random.below(6));
	}
}

inline int compare_letters(const Word &a, const Word &b)
{
	int shorter = a.length < b.length ? a.length : b.length;
	for (int i = 0; i < shorter; i++)
		if (a.letters[i] != b.letters[i])
			return a.letters[i] - b.letters[i];
	return a.length - b.length;
}

/* Called from C, through a pointer. */
int compare_order(const void *a, const void *b)
{
	return compare_letters(words[*static_cast<const int *>(a)],
						   words[*static_cast<const int *>(b)]);
}

struct Tree {
	Tree *left, *right;
	int word;
};

Tree nodes[kWords];

Tree *build_tree(int first, int last)
{
	if (first >= last)
		return nullptr;
	int middle = first + (last - first) / 2;
	Tree *node = &nodes[middle];
	node->word = order[middle];
	node->left = build_tree(first, middle);
	node->right = build_tree(middle + 1, last);
	return node;
}

unsigned long add_up(const Tree *node, unsigned long depth)
{
	if (!node)
		return 0;
	return depth * hash_word(words[node->word]) + add_up(node->left, depth + 1) +
		   add_up(node->right, depth + 1);
}

void on_timer(int)
{
	for (unsigned long round = 1; round <= 24; round++)
		checksum = checksum + sum_words([round](const Word &word) { return round * hash_word(word); });
}

__attribute__((noinline)) unsigned long run_round(unsigned seed)
{
	Random random(seed);
	make_words(random);
	for (int i = 0; i < kWords; i++)
		order[i] = i;
	demo_sort(order, kWords, compare_order);
	return add_up(build_tree(0, kWords), 1);
}

} /* namespace */

extern "C" int demo_main()
{
	demo_on_timer(on_timer, 1000);
	unsigned long sum = 0;
	for (unsigned round = 1; round <= 600; round++)
		sum += run_round(round);
	return sum + checksum == 0;
}
