variable "project" {
  description = "Project id."
  type        = string
}

variable "region" {
  description = "Region of the repository."
  type        = string
}

variable "namespace" {
  description = "Kubernetes namespace of the pods."
  type        = string
}

variable "workload_pool" {
  description = "Identity pool of the cluster."
  type        = string
}

variable "identities" {
  description = "Accounts by name, and who acts as each: pod, job, federation or people."
  type        = map(object({ by = string, what = string }))
}

variable "custom_roles" {
  description = "Roles of our own by id, and the permissions of each."
  type        = map(list(string))

  validation {
    condition = alltrue(flatten([
      for permissions in values(var.custom_roles) : [
        for permission in permissions :
        can(regex("^[a-z]+\\.[A-Za-z]+\\.[A-Za-z]+$", permission)) && !endswith(permission, ".setIamPolicy")
      ]
    ]))
    error_message = "A permission is service.resource.verb, without wildcards; none may hand on rights (setIamPolicy)."
  }
}

variable "bindings" {
  description = "Roles of identities on places, by a key of their own."
  type        = map(object({ identity = string, role = string, on = string }))

  # What no process needs: src/platform/topology/permissions.ts has narrower ones.
  validation {
    condition = alltrue([
      for binding in values(var.bindings) :
      !can(regex("^roles/(owner|editor|viewer|browser)$|[aA]dmin$", binding.role))
    ])
    error_message = "A broad role (owner, editor, viewer, browser, …admin): bind what the code uses."
  }
  validation {
    condition = alltrue([
      for binding in values(var.bindings) :
      binding.on != "project" || !can(regex("^roles/(iam\\.serviceAccount(User|TokenCreator|KeyAdmin)|iam\\.workloadIdentityUser|secretmanager\\.secretAccessor|storage\\.object|bigquery\\.data|artifactregistry\\.)", binding.role))
    ])
    error_message = "A role that belongs on one account, secret, bucket, dataset or repository is bound to the whole project."
  }
  validation {
    condition = alltrue([
      for binding in values(var.bindings) :
      contains(["project", "dataset", "repository", "bucket", "secret", "serviceAccount"], split(":", binding.on)[0])
    ])
    error_message = "A place is project, dataset, repository, bucket:NAME, secret:NAME or serviceAccount:NAME."
  }
}

variable "places" {
  description = "What the places of the bindings are called here."
  type = object({
    dataset    = string
    repository = string
    buckets    = map(string)
  })
}

variable "federated_principal" {
  description = "principalSet of the pipeline; null: there is none."
  type        = string
}

variable "operators" {
  description = "People who may take on the account that looks: user:… or group:…"
  type        = list(string)

  validation {
    condition     = alltrue([for member in var.operators : can(regex("^(user|group):[^@]+@[^@]+$", member))])
    error_message = "user:NAME@DOMAIN or group:NAME@DOMAIN."
  }
}
