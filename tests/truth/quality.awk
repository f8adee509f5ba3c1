# SPDX-License-Identifier: MIT
# The reports of run.sh, one a machine, as the tables of ../quality.sh.

FNR == 1 { section = "table" }
/^open classes:/ { section = "open"; next }
/^known classes:/ { section = "known"; next }

# With the memory that captures have. Compilers apart are in the report.
section == "table" && $3 == "from-sp" && $4 !~ /^\((gcc|clang)\)$/ {
	if (!is_begun++)
		printf "%-8s %-9s %-11s %9s %9s %9s %9s %9s %9s %6s\n", "machine", "strategy", "program", "steps", "exact", "chain", "unknown", "wrong", "register", "open"
	line = sprintf("%-8s %-9s %-11s %9d %9d %9d %9d %9d %9d %6d\n", $1, $2, $4, $5, $5 - $7 - $8 - $9, $7, $8, $9, $10, $13)
	if ($4 == "(all)")
		sum[$1, $2] = line
	else
		lines[$1, $2] = lines[$1, $2] line
	if (!(($1, $2) in is_seen)) {
		is_seen[$1, $2] = 1
		order[++num_orders] = $1 SUBSEP $2
	}
}
section == "table" && /instructions executed/ { totals = totals $0 "\n" }
section == "table" && /distinct pcs$/ { totals = totals "    " $0 "\n" }

section == "open" && /^  [^ ]/ { open = open $0 "\n" }

# "  MACHINE-COMPILER VERDICT: PLACE: N steps of ...", an example, the reason.
section == "known" && /^  [^ ]/ {
	machine = $1
	sub(/-.*/, "", machine)
	match($0, /: [0-9]+ steps of /)
	steps = substr($0, RSTART + 2) + 0
	next
}
section == "known" && /^      / && $1 !~ /\/.*:$/ {
	reason = $0
	sub(/^ +/, "", reason)
	class = machine SUBSEP reason
	if (!(class in known))
		classes[++num_classes] = class
	known[class] += steps
}

END {
	for (i = 1; i <= num_orders; i++)
		printf "%s%s", lines[order[i]], sum[order[i]]
	printf "\n%s\nnot exact, and why:\n", totals
	for (i = 1; i <= num_classes; i++) {
		split(classes[i], name, SUBSEP)
		printf "%9d %-8s %s\n", known[classes[i]], name[1], name[2]
	}
	if (open != "")
		printf "\nnot explained:\n%s", open
}
