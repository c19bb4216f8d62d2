variable "project" {
  description = "Project id."
  type        = string
}

variable "name" {
  description = "Name of the cluster."
  type        = string
}

variable "location" {
  description = "A region: control plane and pools in three zones. A zone: one of each, which is cheaper and may be away for minutes."
  type        = string
}

variable "network" {
  description = "Id of the network."
  type        = string
}

variable "subnetwork" {
  description = "Id of the subnetwork with the secondary ranges pods and services."
  type        = string
}

variable "node_tag" {
  description = "Network tag of the nodes."
  type        = string
}

variable "control_plane_range" {
  description = "A /28 for the control plane's private address."
  type        = string
}

variable "authorized_networks" {
  description = "Private ranges that may reach the control plane's private address, by a name for each."
  type        = map(string)

  validation {
    condition = alltrue([
      for range in values(var.authorized_networks) :
      can(cidrhost(range, 0)) && can(regex("^(10\\.|192\\.168\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.)", range))
    ])
    error_message = "Only private ranges: the control plane has no public address."
  }
}

variable "control_plane_by_name" {
  description = "Whether the control plane is reached by its DNS name from outside of the network, by IAM (the permission container.clusters.connect). Without it only from authorized_networks."
  type        = bool
}

variable "security_group" {
  description = "Google group gke-security-groups@DOMAIN, whose groups RBAC may name; null: none."
  type        = string
  default     = null

  validation {
    condition     = var.security_group == null || can(regex("^gke-security-groups@", var.security_group))
    error_message = "GKE takes only a group with the name gke-security-groups@DOMAIN."
  }
}

variable "pools" {
  description = "Node pools by name; those with max 0 are not made. min and max are nodes over all zones; zones null: those of the cluster."
  type = map(object({
    machine_type = string
    spot         = bool
    min          = number
    max          = number
    disk_gb      = number
    accelerator  = optional(object({ type = string, count = number }))
    zones        = optional(list(string))
  }))

  validation {
    condition     = alltrue([for pool in var.pools : pool.min >= 0 && pool.min <= pool.max])
    error_message = "A pool's min is at least 0 and at most its max."
  }
  validation {
    condition     = alltrue([for pool in var.pools : pool.min == 0 if pool.spot || pool.accelerator != null])
    error_message = "Spot and GPU pools shrink to none."
  }
}

variable "release_channel" {
  description = "Of GKE: RAPID, REGULAR or STABLE."
  type        = string
  default     = "REGULAR"

  validation {
    condition     = contains(["RAPID", "REGULAR", "STABLE"], var.release_channel)
    error_message = "One of RAPID, REGULAR, STABLE."
  }
}

variable "maintenance" {
  description = "When GKE may upgrade: first window (RFC 3339) and its recurrence (RFC 5545). At least 48 hours in 32 days."
  type        = object({ start = string, end = string, recurrence = string })
  default = {
    start      = "2026-01-03T04:00:00Z"
    end        = "2026-01-03T16:00:00Z"
    recurrence = "FREQ=WEEKLY;BYDAY=SA,SU"
  }
}

variable "kms_key" {
  description = "Key for secrets in etcd and the nodes' disks; null: Google's."
  type        = string
  default     = null
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to delete the cluster."
  type        = bool
}

variable "labels" {
  description = "Labels of the cluster and its nodes."
  type        = map(string)
}
