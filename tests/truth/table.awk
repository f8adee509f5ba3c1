# SPDX-License-Identifier: MIT
# The lines of `truth`, from several runs, as one table and a list of classes. The first file is known.txt: lines of machine (and compiler), strategy, verdict, a regular
# expression over the place, and the reason, separated by tabs.

FILENAME ~ /known$/ {
	if ($0 !~ /^#/ && NF >= 5) {
		known_machine[++num_known] = $1; known_strategy[num_known] = $2; known_verdict[num_known] = $3
		known_place[num_known] = $4; known_reason[num_known] = $5
	}
	next
}

$1 == "tally" {
	split($2, label, "/")
	split(label[3], form, "-")
	for (pass = 0; pass < 3; pass++) {
		row = label[1] "\t" $3 "\t" $4 "\t" (pass == 0 ? label[2] : pass == 1 ? "(" form[1] ")" : "(all)")
		if (!(row in steps))
			order[++num_rows] = row
		steps[row] += $5; exact[row] += $6; short[row] += $7; wrong[row] += $8; register[row] += $9; chain[row] += $10
		derived[row] += $12; derived_wrong[row] += $13; unknown[row] += $14
	}
}

$1 == "total" {
	split($2, label, "/")
	executed[label[1]] += $3; walked[label[1]] += $4; chains[label[1]] += $6; runs[label[1]]++
	any++
}
# Runs by level: which of them were built to sign is run.sh's.
$1 == "signed" {
	split($2, label, "/")
	if ((label[1] == "aarch64" && $2 ~ /-O[123]-/) || (label[1] == "macho-arm64" && $2 ~ /-O[13]-/)) { signing[label[1]]++; num_signed[label[1]] += $3 }
}
$1 == "failed" { print "FAILED " $2 ": " $3; failed++ }

function reason(machine, strategy, verdict, place,    i) {
	for (i = 1; i <= num_known; i++)
		if (machine ~ "^(" known_machine[i] ")" && strategy ~ "^(" known_strategy[i] ")$" && verdict ~ "^(" known_verdict[i] ")$" && place ~ known_place[i])
			return known_reason[i]
	return ""
}

$1 == "group" {
	place = $7
	sub(/ *\(0x[0-9a-f]+\)$/, "", place)
	split($2, label, "/")
	split(label[3], form, "-")
	why = reason(label[1] "-" form[1], $3, $5, place " (" $9 ")")
	# Code without CFI is what cfi alone cannot do.
	if (why == "" && $3 == "cfi" && $5 == "short")
		why = "no CFI"
	if (why == "" && $3 == "fp" && form[3] == "nofp")
		why = "built without frame pointers"
	function_of = place
	sub(/\+0x[0-9a-f]+$/, "", function_of)
	class = label[1] "-" form[1] " " $5 "\t" function_of " (" $9 ")\t" why
	if (!(class in first)) {
		classes[++num_classes] = class
		first[class] = $2 ": " $7 ": " $8
	}
	if (!((class, $3, $4) in class_steps))
		walks[class] = walks[class] (walks[class] != "" ? ", " : "") $3 " " $4
	class_steps[class, $3, $4] += $6
	most[class] = class_steps[class, $3, $4] > most[class] ? class_steps[class, $3, $4] : most[class]
	if (why == "") {
		open += $6
		open_steps[label[1] "\t" $3 "\t" $4 "\t" label[2]] += $6
		open_steps[label[1] "\t" $3 "\t" $4 "\t(" form[1] ")"] += $6
		open_steps[label[1] "\t" $3 "\t" $4 "\t(all)"] += $6
	}
}

function percent(part, whole) { return whole ? sprintf("%.3f", 100 * part / whole) : "-" }

END {
	printf "%-8s %-14s %-8s %-11s %9s %9s %8s %8s %8s %9s %9s %9s %6s\n", "machine", "strategy", "memory", "program", "steps", "exact %", "chain", "short", "wrong", "register", "derived!", "unknown", "open"
	for (i = 1; i <= num_rows; i++) {
		row = order[i]
		split(row, name, "\t")
		printf "%-8s %-14s %-8s %-11s %9d %9s %8d %8d %8d %9d %9d %9d %6d\n", name[1], name[2], name[3], name[4], steps[row], percent(exact[row], steps[row]),
			chain[row], short[row], wrong[row], register[row], derived_wrong[row], unknown[row], open_steps[row] + 0
	}
	print ""
	for (machine in runs)
		printf "%s: %d runs, %d instructions executed, %d moments walked, %d distinct (pc, call chain) pairs\n", machine, runs[machine],
			executed[machine], walked[machine], chains[machine]
	for (machine in signing) {
		printf "%s: %d return addresses really signed, in %d runs that were built to sign\n", machine, num_signed[machine], signing[machine]
		# Nothing of what is claimed for signed ones would have been tried.
		if (!num_signed[machine]) { print "FAILED " machine ": no return address was signed"; failed++ }
	}
	printf "%d distinct pcs\n", pcs
	for (pass = 0; pass < 2; pass++) {
		print pass ? "\nknown classes:" : "\nopen classes:"
		for (i = 1; i <= num_classes; i++) {
			split(classes[i], name, "\t")
			if ((name[3] != "") != pass || (pass && name[3] ~ /^(no CFI|built without frame pointers)$/))
				continue
			printf "  %s: %s: %d steps of %s\n      %s\n", name[1], name[2], most[classes[i]], walks[classes[i]], first[classes[i]]
			if (pass)
				printf "      %s\n", name[3]
		}
	}
	if (!any && !failed) { print "skip: nothing ran"; exit 77 }
	exit (open || failed) ? 1 : 0
}
