output "emails" {
  description = "Addresses of the accounts by name."
  value       = local.emails
  depends_on  = [google_service_account.this]
}

output "bindings" {
  description = "What is bound: member, role and place, by the key of the binding."
  value       = { for key, binding in local.bindings : key => { member = binding.member, role = binding.role, on = var.bindings[key].on } }
}
