variable "project" {
  description = "Project id."
  type        = string
}

variable "project_number" {
  description = "Project number."
  type        = string
}

variable "repository" {
  description = "The one repository and branch whose runs are let in; numbers: `gh api repos/OWNER/NAME --jq '.id, .owner.id'`."
  type = object({
    name     = string
    id       = string
    owner_id = string
    branch   = string
  })

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", var.repository.name))
    error_message = "The repository is OWNER/NAME."
  }
  validation {
    condition     = can(regex("^[0-9]+$", var.repository.id)) && can(regex("^[0-9]+$", var.repository.owner_id))
    error_message = "id and owner_id are GitHub's numbers."
  }
  validation {
    condition     = can(regex("^[A-Za-z0-9_./-]+$", var.repository.branch))
    error_message = "One branch, without wildcards."
  }
}
