output "channels" {
  description = "Ids of the notification channels."
  value       = local.channels
}

output "policies" {
  description = "Names of the alert policies."
  value = sort(concat(
    keys(google_monitoring_alert_policy.rules),
    keys(google_monitoring_alert_policy.platform),
    [google_monitoring_alert_policy.rights.display_name],
    [for policy in google_monitoring_alert_policy.uptime : policy.display_name],
  ))
}
