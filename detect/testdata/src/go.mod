module cases

go 1.24

require golang.org/x/sync v0.0.0

replace golang.org/x/sync => ../stubs/sync
