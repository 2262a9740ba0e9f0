module example.com/connector-bookshelf

go 1.26.0

require github.com/agenthost/agenthost v0.0.0

require golang.org/x/net v0.61.0 // indirect

replace github.com/agenthost/agenthost => ../..
