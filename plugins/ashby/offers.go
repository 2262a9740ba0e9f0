package main

import "github.com/agenthost/agenthost/pdk"

func offerOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "offers", Action: "list", Title: "List offers", Effect: pdk.Read, Permission: "offersRead",
			Description: "The offers made to candidates, each with its latest version. They hold salaries.",
			Method:      "POST", Path: "/offer.list",
			Params: []pdk.Param{
				createdAfter(), syncToken(),
				pdk.Body("offerStatus", several("Only offers with one of these statuses.", "WaitingOnApprovalStart", "WaitingOnOfferApproval",
					"WaitingOnApprovalDefinition", "WaitingOnCandidateResponse", "CandidateRejected", "CandidateAccepted", "OfferCancelled").Min(1)),
				pdk.Body("acceptanceStatus", several("Only offers with one of these answers of the candidate.",
					"Accepted", "Declined", "Pending", "Created", "Cancelled", "WaitingOnResponse").Min(1)),
				onlyApplication(),
				pdk.Body("approvalStatus", several("Only offers with one of these states of approval.", "Approved", "WaitingOnApprovals", "Declined").Min(1)),
			},
			Data: "/results", Meta: syncMeta, Page: page(), Handle: listSync,
			Examples: []string{`{}`, `{"approvalStatus":["WaitingOnApprovals"]}`},
		},
		{
			Entity: "offers", Action: "get", Title: "Get an offer", Effect: pdk.Read, Permission: "offersRead",
			Description: "One offer, with all of its versions.",
			Method:      "POST", Path: "/offer.info",
			Params: []pdk.Param{
				pdk.Body("offerId", id("Id of the offer.")).Required(),
				option("excludeFormDefinition", "Leave out the definition of the offer form, which is long."),
			},
			Data: "/results", Meta: warnings,
			Examples: []string{`{"offerId":"3ae2b801-19f6-41ef-ad28-214bd731948f","excludeFormDefinition":true}`},
		},
	}
}
