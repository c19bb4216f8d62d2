# The APIs that the project needs. Turning one off again would break what others run, so none is.
resource "google_project_service" "this" {
  for_each = toset(var.services)

  project                    = var.project
  service                    = each.value
  disable_on_destroy         = false
  disable_dependent_services = false
}
