module example.com/embed

go 1.26.0

require github.com/agenthost/agenthost v0.0.0

replace github.com/agenthost/agenthost => ../..
