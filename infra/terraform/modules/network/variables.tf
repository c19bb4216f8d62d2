variable "project" {
  description = "Project id."
  type        = string
}

variable "region" {
  description = "Region of the subnetwork."
  type        = string
}

variable "name" {
  description = "Name of the network."
  type        = string
}

variable "node_tag" {
  description = "Network tag of the cluster's nodes."
  type        = string
}

variable "ranges" {
  description = "Private address ranges (RFC 1918), none of which may overlap another network that this one is to be joined to."
  type = object({
    nodes         = string
    pods          = string
    services      = string
    control_plane = string
  })

  validation {
    condition     = alltrue([for range in values(var.ranges) : can(cidrhost(range, 0))])
    error_message = "Each range is a block of addresses, as 10.10.0.0/20."
  }
  validation {
    condition = alltrue([
      for range in values(var.ranges) : can(regex("^(10\\.|192\\.168\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.)", range))
    ])
    error_message = "Ranges are private: in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16."
  }
  validation {
    condition     = try(split("/", var.ranges.control_plane)[1], "") == "28"
    error_message = "GKE takes a /28 for its control plane."
  }
}

variable "flow_sampling" {
  description = "Share of the flows that are logged, 0 to 1."
  type        = number

  validation {
    condition     = var.flow_sampling > 0 && var.flow_sampling <= 1
    error_message = "A share is above 0 and at most 1."
  }
}
