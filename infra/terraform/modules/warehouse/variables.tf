variable "project" {
  description = "Project id."
  type        = string
}

variable "dataset" {
  description = "Name of the dataset."
  type        = string
}

variable "location" {
  description = "Region or multi-region: that of the bucket, from which rows are loaded."
  type        = string
}

variable "tables" {
  description = "Tables by name, as the program makes them (tables.json)."
  type = map(object({
    description = string
    schema      = list(object({ name = string, type = string, mode = string }))
    partition   = optional(string)
    cluster     = optional(list(string))
  }))
}

variable "partition_days" {
  description = "Days after which the partitions of a table expire, by its name; tables that are not named keep theirs."
  type        = map(number)
  default     = {}

  validation {
    # The others answer for campaigns and dataset versions, for ever.
    condition     = alltrue([for name, days in var.partition_days : name == "quarantine" && days >= 30])
    error_message = "Only quarantine may expire, after 30 days or more."
  }
}

variable "delete_contents" {
  description = "Whether Terraform may delete the dataset with what is in it."
  type        = bool
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to delete tables."
  type        = bool
}

variable "kms_key" {
  description = "Key of the dataset; null: Google's."
  type        = string
  default     = null
}

variable "labels" {
  description = "Labels of the dataset and its tables."
  type        = map(string)
}
