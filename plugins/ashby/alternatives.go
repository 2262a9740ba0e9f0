package main

import "github.com/agenthost/agenthost/pdk"

// getCandidate and getApplication take one of two ids, which a table cannot say.

func getCandidate(c *pdk.Call) error { return needOneOf(c, "id", "externalMappingId") }

func getApplication(c *pdk.Call) error {
	return needOneOf(c, "applicationId", "submittedFormInstanceId")
}

func needOneOf(c *pdk.Call, usual, other string) error {
	if !c.Param(usual).Exists() && !c.Param(other).Exists() {
		return pdk.InvalidParam(usual, "missing parameter "+usual, "give "+usual+", or "+other+" instead")
	}
	return c.Run()
}
