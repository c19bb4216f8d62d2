variable "project" {
  description = "Project id."
  type        = string
}

variable "project_number" {
  description = "Project number."
  type        = string
}

variable "billing_account" {
  description = "Billing account, as 012345-678901-ABCDEF."
  type        = string
}

variable "monthly" {
  description = "Money a month, in whole units of the currency."
  type        = number

  validation {
    condition     = var.monthly > 0 && floor(var.monthly) == var.monthly
    error_message = "A whole number above 0."
  }
}

variable "currency" {
  description = "Currency of the billing account (ISO 4217)."
  type        = string
}

variable "notification_channels" {
  description = "Ids of the channels that are told, five at most."
  type        = list(string)

  validation {
    condition     = length(var.notification_channels) <= 5
    error_message = "A budget takes five channels at most."
  }
}
