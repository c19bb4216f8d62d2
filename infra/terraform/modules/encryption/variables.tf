variable "project" {
  description = "Project id."
  type        = string
}

variable "region" {
  description = "Location of the key: that of the data."
  type        = string
}

variable "labels" {
  description = "Labels of the key."
  type        = map(string)
}
