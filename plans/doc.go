/*
Package plans holds the Plan value and everything that happens to it: validate, encode,
diff, approve, apply, undo. It is the only package that writes source files, and it
imports nothing of the module, so that someone who holds only a plan and the module's
files can review the plan, apply it, or see why it cannot be applied.

# The life of a plan

	planner   fills in sites with their edits         Edits, (*Plan).Seal
	          keeps the plan in .mapmigrate           Save, Open (Encode, Decode)
	reviewer  decides site by site                    Select, Approve, Reject, ApproveAll, …
	          applies what is approved                Apply, with Compose inside
	          takes the last apply back               Undo

A site is proposed, then approved or rejected, then applied; Undo makes it approved
again. A refused site has no edits and stays refused. Sites that name each other in
CoupledWith, directly or through others, are a unit: decided and applied together.

Any choice of whole units composes. The edits of all sites refer to the same baseline
files; no two of them overlap unless they are the same edit, which then applies once;
and a shared edit (an import, a runtime file) applies when at least one of its sites
does. Insertions of shared edits at one place come in the order of their text.

Sites may be applied in several rounds. After the first round the files are not the
plan's baseline any more, but the undo records lead back to it: a file whose bytes are
exactly what an apply left is read as it was before. A file that anything else has
touched is stale, and a *StaleError names it and the sites that it does not concern.

# What holds

Validate checks it whenever a plan is read or written, and before sources are:

 1. Paths are relative, clean and slash-separated, and stay inside the module. A path
    that is written is that of a Go file, and not in .git or .mapmigrate. (Links that
    lead out of the module are refused at the write itself.)
 2. Ids are unique; every id that a site or a shared edit names exists; CoupledWith is
    symmetric; a unit is refused, or applied, as a whole.
 3. Edits are sorted, overlap nothing, change something, and carry the hash of what
    they replace. The file of each edit is listed with the hash of its baseline, and all
    sites agree on that hash.
 4. A refused site has refusals and nothing to apply; any other site has something to
    apply, and no unsafe refusal.

Compose moreover compares files and replaced bytes with their hashes, and the result of
a unit applied alone with the hash that the plan promises. None of this proves that a
plan is harmless: whoever can write plan.json can write Go code. It makes sure that a
plan does to a module what its diff shows, and nothing outside of it.

# The journal

An apply changes many files, and a process can be killed between any two of them. So
the change is written down before it begins:

 1. .mapmigrate/journal.new gets the old and new bytes of every file, the old and new
    plan.json, and record.json, which names them with their hashes. All are synced.
 2. It is renamed to .mapmigrate/journal. From here on the change is decided.
 3. Each file is replaced: the new bytes go to a hidden file beside it, which is synced
    and renamed over it. Then plan.json is, in the same way.
 4. The journal is renamed to .mapmigrate/undo/NNNN. From here on it is the undo record.

Recover, which every command calls first, drops a journal.new and carries on from step 3
where there is a journal: each file is either old (replace it) or new (done). If a step
fails the files are put back and the journal is dropped. If a file is neither old nor
new someone has changed it since, and Recover touches nothing and says so: no program
should choose between a person's bytes and its own.

Undo is the same with old and new exchanged, and consumes the undo record at the end.
*/
package plans
