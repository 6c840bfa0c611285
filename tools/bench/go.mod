module github.com/postern-id/postern/tools/bench

go 1.26.8
