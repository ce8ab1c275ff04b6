# SPDX-License-Identifier: GPL-2.0-only
# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_bch_gc_global_optspecs
	string join \n h/help V/version
end

function __fish_bch_gc_needs_command
	# Figure out if the current invocation already has a command.
	set -l cmd (commandline -opc)
	set -e cmd[1]
	argparse -s (__fish_bch_gc_global_optspecs) -- $cmd 2>/dev/null
	or return
	if set -q argv[1]
		# Also print the command, so this can be used to figure out what it is.
		echo $argv[1]
		return 1
	end
	return 0
end

function __fish_bch_gc_using_subcommand
	set -l cmd (__fish_bch_gc_needs_command)
	test -z "$cmd"
	and return 1
	contains -- $cmd[1] $argv
end

complete -c bch-gc -n "__fish_bch_gc_needs_command" -s h -l help -d 'Print help'
complete -c bch-gc -n "__fish_bch_gc_needs_command" -s V -l version -d 'Print version'
complete -c bch-gc -n "__fish_bch_gc_needs_command" -f -a "check" -d 'Recompute everything and compare it with what the image says'
complete -c bch-gc -n "__fish_bch_gc_needs_command" -f -a "explain" -d 'Say why a bucket\'s counts are what they are: every reference, down to the file'
complete -c bch-gc -n "__fish_bch_gc_needs_command" -f -a "lost" -d 'Say what is intact, degraded or lost with the devices at hand, down to the file'
complete -c bch-gc -n "__fish_bch_gc_needs_command" -f -a "plan" -d 'Say what `fsck -y` would change, before and after, the destructive first'
complete -c bch-gc -n "__fish_bch_gc_needs_command" -f -a "coalesce" -d 'Show how full each btree is, and what merging of nodes would save'
complete -c bch-gc -n "__fish_bch_gc_needs_command" -f -a "map" -d 'Draw each device: what its buckets hold, how full they are, where findings are'
complete -c bch-gc -n "__fish_bch_gc_needs_command" -f -a "state" -d 'Print the whole result as JSON lines'
complete -c bch-gc -n "__fish_bch_gc_needs_command" -f -a "gens" -d 'Show how near each device is to a wrap of its generations, and the oldest pointers'
complete -c bch-gc -n "__fish_bch_gc_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand check" -l threads -d 'Threads that read metadata, 1 to 1024 (as many as there are processors); the report is the same for any number' -r
complete -c bch-gc -n "__fish_bch_gc_using_subcommand check" -l passphrase-fd -d 'Read the passphrase of an encrypted file system from this file descriptor; it is asked for on a terminal otherwise' -r
complete -c bch-gc -n "__fish_bch_gc_using_subcommand check" -l memory -d 'Take no more memory than this, a number of bytes or one with K, M, G or T; what is needed is said first, and a check goes over the metadata as often as it takes' -r
complete -c bch-gc -n "__fish_bch_gc_using_subcommand check" -l progress-fd -d 'Write progress as JSON lines to this file descriptor instead of showing it' -r
complete -c bch-gc -n "__fish_bch_gc_using_subcommand check" -l metadata-only -d 'Walk pointers to metadata only'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand check" -l json -d 'Print one JSON document instead of text; its form is in check.schema.json, see FILES in bch-gc(8)'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand check" -s v -l verbose -d 'Show every finding, not the first few of each kind'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand check" -l in-order -d 'Follow the references one by one in their order, as is done anyway once anything is found'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand check" -l in-use -d 'Read block devices that are in use'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand check" -l require-all -d 'Refuse a file system that is not complete'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand check" -s q -l quiet -d 'Say only what is wrong: warnings, errors, and of a check its findings; nothing where nothing is wrong'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand explain" -l max -d 'With --all-findings: buckets explained at most' -r
complete -c bch-gc -n "__fish_bch_gc_using_subcommand explain" -l passphrase-fd -d 'Read the passphrase of an encrypted file system from this file descriptor; it is asked for on a terminal otherwise' -r
complete -c bch-gc -n "__fish_bch_gc_using_subcommand explain" -l memory -d 'Take no more memory than this, a number of bytes or one with K, M, G or T; what is needed is said first, and a check goes over the metadata as often as it takes' -r
complete -c bch-gc -n "__fish_bch_gc_using_subcommand explain" -l progress-fd -d 'Write progress as JSON lines to this file descriptor instead of showing it' -r
complete -c bch-gc -n "__fish_bch_gc_using_subcommand explain" -l all-findings -d 'Explain every bucket that a finding names, instead of one'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand explain" -l json -d 'Print one JSON document instead of text'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand explain" -s v -l verbose -d 'Show every reference, not the first few'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand explain" -l in-use -d 'Read block devices that are in use'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand explain" -l require-all -d 'Refuse a file system that is not complete'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand explain" -s q -l quiet -d 'Say only what is wrong: warnings, errors, and of a check its findings; nothing where nothing is wrong'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand explain" -s h -l help -d 'Print help'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand lost" -l without -d 'Say what would be lost without this member, by its index; may be given again' -r
complete -c bch-gc -n "__fish_bch_gc_using_subcommand lost" -l passphrase-fd -d 'Read the passphrase of an encrypted file system from this file descriptor; it is asked for on a terminal otherwise' -r
complete -c bch-gc -n "__fish_bch_gc_using_subcommand lost" -l memory -d 'Take no more memory than this, a number of bytes or one with K, M, G or T; what is needed is said first, and a check goes over the metadata as often as it takes' -r
complete -c bch-gc -n "__fish_bch_gc_using_subcommand lost" -l progress-fd -d 'Write progress as JSON lines to this file descriptor instead of showing it' -r
complete -c bch-gc -n "__fish_bch_gc_using_subcommand lost" -l json -d 'Print one JSON document instead of text'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand lost" -s v -l verbose -d 'Show every node and file, not the first few'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand lost" -l in-use -d 'Read block devices that are in use'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand lost" -l require-all -d 'Refuse a file system that is not complete'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand lost" -s q -l quiet -d 'Say only what is wrong: warnings, errors, and of a check its findings; nothing where nothing is wrong'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand lost" -s h -l help -d 'Print help'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand plan" -l passphrase-fd -d 'Read the passphrase of an encrypted file system from this file descriptor; it is asked for on a terminal otherwise' -r
complete -c bch-gc -n "__fish_bch_gc_using_subcommand plan" -l memory -d 'Take no more memory than this, a number of bytes or one with K, M, G or T; what is needed is said first, and a check goes over the metadata as often as it takes' -r
complete -c bch-gc -n "__fish_bch_gc_using_subcommand plan" -l progress-fd -d 'Write progress as JSON lines to this file descriptor instead of showing it' -r
complete -c bch-gc -n "__fish_bch_gc_using_subcommand plan" -l json -d 'Print one JSON document instead of text'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand plan" -s v -l verbose -d 'Show every change, not the first few of each part'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand plan" -l in-use -d 'Read block devices that are in use'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand plan" -l require-all -d 'Refuse a file system that is not complete'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand plan" -s q -l quiet -d 'Say only what is wrong: warnings, errors, and of a check its findings; nothing where nothing is wrong'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand plan" -s h -l help -d 'Print help'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand coalesce" -l passphrase-fd -d 'Read the passphrase of an encrypted file system from this file descriptor; it is asked for on a terminal otherwise' -r
complete -c bch-gc -n "__fish_bch_gc_using_subcommand coalesce" -l memory -d 'Take no more memory than this, a number of bytes or one with K, M, G or T; what is needed is said first, and a check goes over the metadata as often as it takes' -r
complete -c bch-gc -n "__fish_bch_gc_using_subcommand coalesce" -l progress-fd -d 'Write progress as JSON lines to this file descriptor instead of showing it' -r
complete -c bch-gc -n "__fish_bch_gc_using_subcommand coalesce" -l json -d 'Print one JSON document instead of text'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand coalesce" -l in-use -d 'Read block devices that are in use'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand coalesce" -l require-all -d 'Refuse a file system that is not complete'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand coalesce" -s q -l quiet -d 'Say only what is wrong: warnings, errors, and of a check its findings; nothing where nothing is wrong'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand coalesce" -s h -l help -d 'Print help'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand map" -l rows -d 'Rows of a device at most; a cell stands for as many buckets as that needs' -r
complete -c bch-gc -n "__fish_bch_gc_using_subcommand map" -l svg -d 'Write a picture to this file, which must not exist yet, instead of drawing with characters' -r -F
complete -c bch-gc -n "__fish_bch_gc_using_subcommand map" -l passphrase-fd -d 'Read the passphrase of an encrypted file system from this file descriptor; it is asked for on a terminal otherwise' -r
complete -c bch-gc -n "__fish_bch_gc_using_subcommand map" -l memory -d 'Take no more memory than this, a number of bytes or one with K, M, G or T; what is needed is said first, and a check goes over the metadata as often as it takes' -r
complete -c bch-gc -n "__fish_bch_gc_using_subcommand map" -l progress-fd -d 'Write progress as JSON lines to this file descriptor instead of showing it' -r
complete -c bch-gc -n "__fish_bch_gc_using_subcommand map" -l json -d 'Print one JSON document, with the cells, instead of text'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand map" -l in-use -d 'Read block devices that are in use'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand map" -l require-all -d 'Refuse a file system that is not complete'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand map" -s q -l quiet -d 'Say only what is wrong: warnings, errors, and of a check its findings; nothing where nothing is wrong'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand map" -s h -l help -d 'Print help'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand state" -l mode -d 'How findings are answered, and which compat bits count' -r -f -a "n\t'Repair nothing that may be ignored'
y\t'Repair in memory what can be repaired'
m\t'Like n, as if metadata had not been accounted for: two documents'
a\t'Like n, as if nothing had been accounted for'"
complete -c bch-gc -n "__fish_bch_gc_using_subcommand state" -l passphrase-fd -d 'Read the passphrase of an encrypted file system from this file descriptor; it is asked for on a terminal otherwise' -r
complete -c bch-gc -n "__fish_bch_gc_using_subcommand state" -l memory -d 'Take no more memory than this, a number of bytes or one with K, M, G or T; what is needed is said first, and a check goes over the metadata as often as it takes' -r
complete -c bch-gc -n "__fish_bch_gc_using_subcommand state" -l progress-fd -d 'Write progress as JSON lines to this file descriptor instead of showing it' -r
complete -c bch-gc -n "__fish_bch_gc_using_subcommand state" -l in-use -d 'Read block devices that are in use'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand state" -l require-all -d 'Refuse a file system that is not complete'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand state" -s q -l quiet -d 'Say only what is wrong: warnings, errors, and of a check its findings; nothing where nothing is wrong'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand state" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand gens" -l passphrase-fd -d 'Read the passphrase of an encrypted file system from this file descriptor; it is asked for on a terminal otherwise' -r
complete -c bch-gc -n "__fish_bch_gc_using_subcommand gens" -l memory -d 'Take no more memory than this, a number of bytes or one with K, M, G or T; what is needed is said first, and a check goes over the metadata as often as it takes' -r
complete -c bch-gc -n "__fish_bch_gc_using_subcommand gens" -l progress-fd -d 'Write progress as JSON lines to this file descriptor instead of showing it' -r
complete -c bch-gc -n "__fish_bch_gc_using_subcommand gens" -l json -d 'Print JSON lines: every bucket, before and after oldest generations were recomputed'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand gens" -l summary -d 'With --json: one document with what the text says instead'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand gens" -s v -l verbose -d 'Show every stale pointer, not the oldest few'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand gens" -l in-use -d 'Read block devices that are in use'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand gens" -l require-all -d 'Refuse a file system that is not complete'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand gens" -s q -l quiet -d 'Say only what is wrong: warnings, errors, and of a check its findings; nothing where nothing is wrong'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand gens" -s h -l help -d 'Print help'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand help; and not __fish_seen_subcommand_from check explain lost plan coalesce map state gens help" -f -a "check" -d 'Recompute everything and compare it with what the image says'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand help; and not __fish_seen_subcommand_from check explain lost plan coalesce map state gens help" -f -a "explain" -d 'Say why a bucket\'s counts are what they are: every reference, down to the file'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand help; and not __fish_seen_subcommand_from check explain lost plan coalesce map state gens help" -f -a "lost" -d 'Say what is intact, degraded or lost with the devices at hand, down to the file'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand help; and not __fish_seen_subcommand_from check explain lost plan coalesce map state gens help" -f -a "plan" -d 'Say what `fsck -y` would change, before and after, the destructive first'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand help; and not __fish_seen_subcommand_from check explain lost plan coalesce map state gens help" -f -a "coalesce" -d 'Show how full each btree is, and what merging of nodes would save'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand help; and not __fish_seen_subcommand_from check explain lost plan coalesce map state gens help" -f -a "map" -d 'Draw each device: what its buckets hold, how full they are, where findings are'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand help; and not __fish_seen_subcommand_from check explain lost plan coalesce map state gens help" -f -a "state" -d 'Print the whole result as JSON lines'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand help; and not __fish_seen_subcommand_from check explain lost plan coalesce map state gens help" -f -a "gens" -d 'Show how near each device is to a wrap of its generations, and the oldest pointers'
complete -c bch-gc -n "__fish_bch_gc_using_subcommand help; and not __fish_seen_subcommand_from check explain lost plan coalesce map state gens help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
