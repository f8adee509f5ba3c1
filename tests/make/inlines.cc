// SPDX-License-Identifier: MIT
// As inlines.c, with names that are mangled.
#include "inlines.h"

int sink;

namespace shop {

template <typename T> struct Box {
	T value;
	INLINE T twice(T x)
	{
		PLACE(at_leaf); // LINE at_leaf
		return x + x + sink;
	}
	NOINLINE T get(T x)
	{
		T y = twice(x); // LINE leaf_in_outer

		PLACE(at_outer); // LINE at_outer
		return y + value;
	}
};

} // namespace shop

int main(int argc, char **)
{
	shop::Box<int> box = { argc };
	// GCC gives lambdas no linkage name.
	auto add = [](int x) NOINLINE {
		PLACE(at_lambda); // LINE at_lambda
		return x + sink;
	};

	return box.get(argc) + add(argc);
}
